"""`aloma task graph` in a pipe: a flowchart of Mermaid, whatever fields are called."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.desk import Desk


@pytest.mark.parametrize("name", ['%%{init: {"theme":"dark"}}%%', "x$$y$$", "a\\nb", '"] --> x["', "<b>&quot;#34;`"])
def test_no_name_is_read_by_mermaid_as_its_own(desk: Desk, name: str) -> None:
    desk.step("odd", repr({name: 1}), "data['seen'] = 1")
    desk.new(json.dumps({name: 1}))
    (label,) = re.findall(r'n0 -->\|"(.*)"\| n\d', desk.run("task", "graph").out)
    assert not re.findall(r'["<>&`%$\\]|#(?!\d+;)', label)
    told = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label)
    assert name in (told, json.loads(told) if told.startswith('"') else told)
