"""Tables among the results."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TextIO

from aloma_cli.cli.output import result
from aloma_cli.clock import SystemClock
from aloma_cli.view.tables import Column, write_table
from aloma_cli.view.terminal import write as write_text


def put_table(
    columns: Sequence[Column], rows: Iterable[Sequence[Any]], write: Callable[[TextIO, str], None] = write_text
) -> None:
    """Write a table to the result; ages in it are as of now."""
    write_table(columns, rows, result(), environ=os.environ, clock=SystemClock(), write=write)
