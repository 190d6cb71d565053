"""`aloma test`"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import DONE, REFUSED
from aloma_cli.cli.new_files import replaced
from aloma_cli.cli.option_groups import Models, number
from aloma_cli.cli.output import put, put_json, say
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.task_data import given_path
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import CredentialsError, InputError
from aloma_cli.loader.sources import ModelFlags
from aloma_cli.testing.cases.case import load_cases
from aloma_cli.testing.cases.run import run_case
from aloma_cli.testing.cases.verdict import Verdict, junit
from aloma_cli.testing.play import Home
from aloma_cli.view.format import duration, money, plural

_SIDES = ("here: ", "there: ")
"""With --against: the workspace of the command, and the other one."""


def run_tests(
    names: Annotated[
        list[str] | None, Argument("[CASE...]", "Only these cases, by their paths below cases/ without .yaml.", "case")
    ] = None,
    live: Annotated[int | None, Option(("--live",), "Run each case N times on the real model.", "N", 1)] = None,
    rate: Annotated[
        str | None, Option(("--rate",), "The share of runs that must pass with --live, 0 to 1. Default: 1.", "SHARE")
    ] = None,
    against: Annotated[
        str | None, Option(("--against",), "Run the cases in this workspace too, and compare.", "PATH")
    ] = None,
    junit_file: Annotated[str | None, Option(("--junit",), "Write the result as JUnit XML.", "FILE")] = None,
    as_json: Annotated[bool, Option(("--json",), "Print the result as JSON.")] = False,
    workspace: options.Workspace = None,
    *,
    models: Models,
) -> int:
    """
    \b
    Examples:
      aloma test
      aloma test letter --junit report.xml
      aloma test --live 5 --rate 0.8
      aloma test --against ../letters-before

    Runs the cases in cases/ in memory, with the answers written in them: no call is
    real. With --live the models answer, and the pass rate has a confidence interval.
    With --against, "here" is this workspace and "there" is the one at PATH. Exit
    codes: 0 all cases passed here, 1 some did not.
    """
    if rate is not None and live is None:
        raise InputError("--rate counts the runs of --live, which is not given", hint="add `--live N`")
    homes = [_home(path, models, live) for path in (workspace, *filter(None, [against]))]
    cases = load_cases(homes[0][0].root or Path(), names or ())
    least = 1.0 if rate is None else number(rate, "--rate", most=1)
    columns = [
        [Verdict(case.name, [run_case(case, *home) for _ in range(live or 1)], least) for case in cases]
        for home in homes
    ]
    verdicts = columns[0]
    if junit_file is not None:
        _write_report(junit_file, junit(verdicts))
    if as_json:
        compared = {"against": [verdict.to_json() for verdict in columns[1]]} if against is not None else {}
        put_json({"schema": 1, "cases": [verdict.to_json() for verdict in verdicts], **compared})
    else:
        for row in zip(*columns, strict=True):
            for line in _verdict_lines(row, live):
                put(line)
        say(f"aloma: {plural(len(verdicts), 'case')}, {_failures(columns)}")
    return DONE if all(verdict.passed for verdict in verdicts) else REFUSED


def _home(path: str | None, models: ModelFlags, live: int | None) -> tuple[Home, ModelSettings | None]:
    """The workspace at `path`, and its model server for live runs."""
    home = load_workspace(path, models)
    if home.loaded.broken:
        home.loaded.refuse_broken()
    settings = home.setup.choice().settings if live else None
    if settings is not None and settings.offline:
        raise CredentialsError(
            "--live asks a real model, and no model server is set up", hint="export OPENAI_API_KEY=…"
        )
    return Home(home.loaded), settings


def _verdict_lines(row: Sequence[Verdict], live: int | None) -> Iterator[str]:
    """One case: how it went here, and there; then what is wrong here."""
    first, *others = row
    mark = "✓" if first.passed else "✗"
    sides = _SIDES if others else ("",)
    yield "  ".join([mark, first.case, *(f"{side}{_summary(one, live)}" for side, one in zip(sides, row, strict=True))])
    if not others and not first.passed:
        yield from (f"    {sentence}" for sentence in first.worst.wrong)
        yield from (f"    {line}" for line in first.worst.story.splitlines())
        return
    for side, verdict in zip(_SIDES, row if others else (), strict=False):
        yield from (f"    {side}{sentence}" for sentence in verdict.worst.wrong)


def _failures(columns: Sequence[Sequence[Verdict]]) -> str:
    """How many cases failed, in each workspace."""
    told = [f"{sum(not verdict.passed for verdict in verdicts) or 'none'} failed" for verdicts in columns]
    return told[0] if len(told) == 1 else ", ".join(f"{side}{one}" for side, one in zip(_SIDES, told, strict=True))


def _summary(verdict: Verdict, live: int | None) -> str:
    figures = verdict.figures
    words = ["passed" if verdict.passed else "failed"]
    if live:
        low, high = verdict.interval
        words = [f"{verdict.passes} of {len(verdict.runs)} passed ({low:.0%} to {high:.0%} with 95 % confidence)"]
    if figures.cost:
        words.append(money(figures.cost))
    return ", ".join([*words, plural(figures.calls, "call"), duration(verdict.seconds)])


def _write_report(name: str, text: str) -> None:
    try:
        with replaced(given_path(name)) as file:
            file.write(text.encode())
    except OSError as error:
        raise InputError(f"{name} cannot be written: {error.strerror}") from None
