"""`aloma task export` and `aloma task import`"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import IO, Annotated, Any

from aloma_cli.api.archive import exported, read_archive, restored
from aloma_cli.api.reader import Records
from aloma_cli.cli import exit_codes, options, output
from aloma_cli.cli.new_files import replaced
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.task_data import given_path, read_given
from aloma_cli.cli.workspaces import open_records
from aloma_cli.connectors.address import is_url
from aloma_cli.errors import InputError
from aloma_cli.store.files.atomic import private
from aloma_cli.telemetry.settings import OtelSettings
from aloma_cli.view.format import plural


def export(
    task: options.LastTask = "@last",
    file: Annotated[str | None, Option(("-o",), "The file to write; default: standard output.", "FILE")] = None,
    otlp: Annotated[
        str | None, Option(("--otlp",), "Send a trace to this collector of OpenTelemetry instead.", "URL")
    ] = None,
    prompts: Annotated[bool, Option(("--prompts",), "With --otlp: send prompts and answers too.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task export @last -o order.jsonl
      aloma task export @last --otlp http://127.0.0.1:4318
      aloma task export 01jd3k | ssh other aloma task import -

    Writes the whole record of a task and its subtasks into one file: data, changes,
    calls, prompts and answers. A record has no secrets.
    """
    home = Records.at(workspace)
    root, _, rest = home.find(task).partition(".")
    if rest:
        raise InputError(f"{root}.{rest} is a subtask", hint=f"run `aloma task export {root}`: it has its subtasks")
    if otlp is not None:
        return _send_otlp(home, root, otlp, prompts)
    if file is None and output.result().isatty():
        raise InputError("a record is not written to a terminal", hint=f"use -o {root}.jsonl, or a pipe")
    lines = exported(home.store, root)
    first = next(lines)  # so that no file is made of a task that cannot be read
    with _opened(file) as target:
        target.write(first)
        target.writelines(lines)
    return exit_codes.DONE


def _send_otlp(home: Records, root: str, url: str, prompts: bool) -> int:
    if not is_url(url):
        raise InputError(f"--otlp {url!r} is not a URL", hint="use a URL such as http://127.0.0.1:4318")
    from aloma_cli.api.traces import send_trace  # few send one

    number = send_trace(home.store, root, OtelSettings(url, prompts=prompts))
    output.say(f"sent {plural(number, 'span')} to {url}")
    return exit_codes.DONE


def import_(
    file: Annotated[str, Argument("FILE|-", "A file that `aloma task export` wrote; - reads standard input.")],
    as_new: Annotated[bool, Option(("--as-new",), "Give the task a new id.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task import order.jsonl
      aloma task import order.jsonl --as-new

    Puts an exported task into this workspace, and prints its id. Runs nothing. The whole
    file is checked first. A task that exists is not replaced.
    """
    home, redactor = open_records(workspace)
    name = "standard input" if file == "-" else str(given_path(file))
    lines = sys.stdin.buffer.readlines() if file == "-" else read_given(file).splitlines(keepends=True)
    archive = read_archive(lines, name)
    output.put(restored(home.store, archive, home.clock, redactor, as_new=as_new))
    return exit_codes.DONE


@contextlib.contextmanager
def _opened(file: str | None) -> Iterator[IO[bytes]]:
    if file is None:
        stream: Any = output.result()
        yield stream.buffer
        stream.flush()
        return
    path = given_path(file)
    try:
        with replaced(path, opener=private) as target:
            yield target
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
