"""`aloma task new --each`: one task for each line of a file."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aloma_cli.api.bulk import Bulk, Result, read_lines
from aloma_cli.cli import descriptors, output
from aloma_cli.cli.asking.keyboard import terminal
from aloma_cli.cli.exit_codes import DONE, REFUSED, code_of_task
from aloma_cli.cli.interrupts import Interrupted, Interrupts
from aloma_cli.cli.run import no_keyboard
from aloma_cli.cli.task_data import given_path, read_given, read_stdin
from aloma_cli.errors import InputError
from aloma_cli.jsontext import dumps
from aloma_cli.record.states import UNENDED
from aloma_cli.view.format import clean, money, plural

if TYPE_CHECKING:
    from rich import progress as rich

    from aloma_cli.api.workspace import Workspace
    from aloma_cli.budget import LimitRequest
    from aloma_cli.cli.option_groups import EachOptions, OutputOptions
    from aloma_cli.jsontext import JsonObject

_LIMITED, _JOBS = 5, 20
_GRAVEST = (REFUSED, _LIMITED, 4, 8, 6)
"""Exit codes of tasks: the first one that any task came to is that of the command."""


def run_each(
    home: Workspace,
    name: str,
    each: EachOptions,
    options: OutputOptions,
    *,
    tags: Sequence[str],
    limits: Mapping[str, LimitRequest],
    expect: JsonObject | None = None,
) -> int:
    """Make and run the tasks; their results go to stdout as lines of JSON, in the order in which they end."""
    texts = _input_lines(each.lines or "-")
    _refuse_other_json(texts, each.lines or "-")
    total = sum(1 for text in texts if text.strip())
    with Interrupts(lambda _: descriptors.end()) as interrupts, no_keyboard(), _progress(total, options) as progress:
        bulk = Bulk(home, name, progress.tell, each.jobs or _JOBS, tuple(tags), limits, expect)
        try:
            interrupts.run(bulk.run(read_lines(texts, name, each.key_field)))
        except Interrupted as interrupted:
            progress.say("aloma: interrupted; run the same command again to continue")
            return interrupted.code
        finally:
            descriptors.settle()
    if not options.quiet:
        output.say(f"aloma: {progress.counts.words(total)}")
    if bulk.reached is not None:
        output.say(f"aloma: limit reached, {bulk.reached}; raise it and run the same command again to continue")
        return _LIMITED
    return progress.counts.code


def _input_lines(file: str) -> list[str]:
    """The lines of a file, as JSON ends them: a string may hold the other ends of lines that Unicode has."""
    content, name = (read_stdin("--each -"), "standard input") if file == "-" else (read_given(file), given_path(file))
    try:
        return content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"line {line} of {name} is not UTF-8: byte 0x{content[error.start]:02x}") from None


def _refuse_other_json(texts: list[str], file: str) -> None:
    """Raise InputError for a list, or for objects over several lines."""
    first = next((text.strip() for text in texts if text.strip()), "")
    if first.startswith("[") or first == "{":
        cure = "jq -c ." if first == "{" else "jq -c '.[]'"
        raise InputError(f"{file} is not a file of JSON lines, one object each", hint=f"convert it: {cure} {file}")


def _result_row(result: Result, options: OutputOptions) -> Any:
    """`line` with what the options ask for; by default the id, the state and the result."""
    line = {"line": result.number}
    if result.task is None:
        return {**line, "id": None, "state": "invalid", "error": str(result.error)}
    task = result.task
    if options.as_json:
        return {**line, "id": task.id, "state": task.state, "task": output.whole_record(task.seen, task.data)}
    record = {**task.record, "result": None} if options.as_data else task.record
    return {**line, "id": task.id, "state": task.state, "result": output.visible_result(record, task.data)}


def _is_over(result: Result) -> bool:
    """Whether a line was skipped, and there is nothing that a person could do about its task."""
    return result.skipped and (result.task is None or result.task.state not in UNENDED)


def _problem(result: Result) -> str | None:
    """Why a line is not done, in words."""
    if result.task is None:
        return str(result.error)
    if code_of_task(result.task.record) == DONE:
        return None
    errors = [f"{step}: {error.get('message')}" for step, error in result.task.record["errors"].items()]
    why = "; ".join(errors) or result.task.record["reason"] or ""
    return clean(f"task {result.task.id} rests as {result.task.state}{f': {why}' if why else ''}")


class _Counts:
    """What the lines came to so far."""

    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self.ended = self.failed = self.skipped = 0
        self.cost = 0.0
        self._codes: set[int] = set()

    def add(self, result: Result) -> None:
        """Count a line."""
        self.ended += 1
        code = REFUSED if result.task is None else code_of_task(result.task.record)
        self._codes.add(code)
        if _is_over(result):
            self.skipped += 1
            return
        self.failed += code != DONE
        self.states["invalid" if result.task is None else result.task.state] += 1
        if result.task is not None:
            self.cost += result.task.record["usage"]["cost"]

    @property
    def code(self) -> int:
        """The exit code of the command."""
        return next((code for code in _GRAVEST if code in self._codes), DONE)

    def words(self, total: int) -> str:
        """`3 of 4 lines: 2 done, 1 error, 1 skipped, $0.02`."""
        parts = [f"{number:,} {state}" for state, number in self.states.most_common()]
        parts += [f"{self.skipped:,} skipped, because they had ended before"] if self.skipped else []
        parts += [money(self.cost)] if self.cost else []
        return f"{self.ended:,} of {plural(total, 'line')}: {', '.join(parts) or 'nothing to do'}"


class _Progress:
    """Where the results go, and what is said of them. The summary comes at the end."""

    def __init__(self, options: OutputOptions) -> None:
        self._options = options
        self.counts = _Counts()

    def tell(self, result: Result) -> None:
        """Count a line, put its result, and say why it is not done."""
        self.counts.add(result)
        if _is_over(result):
            return
        self._put(dumps(_result_row(result, self._options)))
        problem = _problem(result)
        if problem is not None and not self._options.quiet:
            self.say(f"aloma: line {result.number}: {problem}")
        self._show()

    def say(self, text: str) -> None:
        output.say(text)

    def _put(self, line: str) -> None:
        output.put(line)
        output.result().flush()

    def _show(self) -> None:
        """Nothing is drawn."""


class _ProgressBar(_Progress):
    """The same with a bar at the terminal, below all that is printed."""

    def __init__(self, options: OutputOptions, drawn: rich.Progress, total: int) -> None:
        super().__init__(options)
        self._drawn = drawn
        self._bar = drawn.add_task("", total=total, facts="")

    def say(self, text: str) -> None:
        self._drawn.console.print(clean(text), markup=False, highlight=False)

    def _put(self, line: str) -> None:
        if not output.result().isatty():
            super()._put(line)
            return
        self._drawn.stop()  # the line comes where the bar was
        super()._put(line)
        self._drawn.start()

    def _show(self) -> None:
        counts, speed = self.counts, self._drawn.tasks[self._bar].speed
        facts = [f"{speed:.1f}/s" if speed else "", f"{counts.failed:,} failed" if counts.failed else ""]
        facts += [money(counts.cost) if counts.cost else ""]
        self._drawn.update(self._bar, completed=counts.ended, facts=" · ".join(filter(None, facts)))


@contextmanager
def _progress(total: int, options: OutputOptions) -> Iterator[_Progress]:
    if options.quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield _Progress(options)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    facts, left = TextColumn("{task.fields[facts]}"), TimeRemainingColumn(compact=True)
    columns = (BarColumn(), MofNCompleteColumn(), facts, left)
    console = Console(file=terminal())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as drawn:
        yield _ProgressBar(options, drawn, total)
