"""Nothing is missing in the pages: each name of the program is in its table, and each page is linked."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import aloma_cli
from aloma_cli import Retry, errors
from aloma_cli.api.overview import COUNTS
from aloma_cli.budget import LIMITS
from aloma_cli.cli import exit_codes
from aloma_cli.cli.secret import list as secret_list
from aloma_cli.cli.step import list as step_list
from aloma_cli.cli.task import calls, gc
from aloma_cli.cli.task import list as task_list
from aloma_cli.connectors.kinds import COMPATIBLE, KINDS
from aloma_cli.connectors.providers.table import PROVIDERS
from aloma_cli.content import function, step
from aloma_cli.content.handles.log import Log
from aloma_cli.content.handles.step import StepHandle
from aloma_cli.content.handles.task import TaskHandle
from aloma_cli.jsontext import loads
from aloma_cli.loader import config, config_files
from aloma_cli.notices import settings as notices
from aloma_cli.record import events
from aloma_cli.record.codec import readers_of
from aloma_cli.record.states import ENDINGS, STATES, UNENDED, State
from aloma_cli.view import theme, usage
from aloma_cli.view.tables import Column
from tests.docs.test_schemas import SCHEMAS
from tests.support.pages import REPOSITORY, Page, codes
from tools import cli_page

PAGES = [Page(str(path.relative_to(REPOSITORY))) for path in sorted((REPOSITORY / "docs").glob("*.md"))]
TOP = [Page(name) for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md")]
CLI, STEPS, PYTHON, FORMAT = (Page(f"docs/{name}.md") for name in ("cli", "steps", "python", "format"))
STYLES = REPOSITORY / "aloma_cli/report/static/page.css"
ERRORS = {
    name: kind for name, kind in vars(errors).items() if inspect.isclass(kind) and kind.__module__ == errors.__name__
}


def listed(page: Page, heading: str) -> list[str]:
    """The words in backticks in the first column of a table."""
    return [code for row in page.rows(heading) for code in codes(row[0])]


def members(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


# -- the command line ------------------------------------------------------------------------------------------------


def test_the_help_texts_on_the_page_are_those_of_the_commands() -> None:
    """Where it fails: python -m tools.cli_page"""
    page = CLI.text
    assert " ".join(page.split()) == " ".join(cli_page.updated(page).split())


def test_the_words_that_a_shell_completes_are_those_of_the_commands() -> None:
    """Where it fails: python -m tools.cli_page"""
    assert loads(cli_page.WORDS.read_text(encoding="utf-8")) == loads(cli_page.words())


@pytest.mark.parametrize("page", [*TOP, *PAGES], ids=lambda page: str(page.path))
def test_the_commands_on_a_page_exist_with_their_options(page: Page) -> None:
    for group, name, rest in re.findall(
        r"\baloma (task|step|secret|trigger) ([a-z]+(?:-[a-z]+)*)\b([^`\n|]*)", page.text
    ):
        help_text = cli_page.help_of((group, name))
        assert help_text.startswith(f"Usage: aloma {group} {name} "), name
        assert [option for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest) if option not in help_text] == []


def test_each_exit_code_has_its_row() -> None:
    constants = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    used = (
        constants | {state.exit_code for state in STATES.values()} | set(exit_codes.ERRORS.values()) | {129}
    )  # a terminal that is closed
    assert {int(row[0]) for row in CLI.rows("Code")} == used


def test_each_state_has_its_row_with_its_exit_code() -> None:
    rows = {codes(row[0])[0]: int(row[2]) for row in CLI.rows("State")}
    assert rows == {state: exit_codes.code_of_task({"state": state, "errors": {}}) for state in STATES}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_each_state_has_a_sign_a_colour_in_reports_and_a_notice_that_can_be_chosen(state: State) -> None:
    assert theme.UNICODE.sign(state.name) != theme.UNICODE.other or state.kind == "active"
    assert style_of(state.name) == (None if state.color == "dim" else f"color: var(--{state.color});")
    assert style_of(f"s-{state.name}") is not None
    assert state.told in (None, *notices.WORDS)


def style_of(name: str) -> str | None:
    """The first rule of a class in the styles of reports."""
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", STYLES.read_text(encoding="utf-8"))
    return next((body.strip() for classes, body in rules if f".{name}" in re.split(r",\s*", classes.strip())), None)


def test_the_states_of_the_schemas_are_all_states() -> None:
    lists = {name: [one for one in enums(schema) if "incomplete" in one] for name, schema in SCHEMAS.items()}
    assert {name: found for name, found in lists.items() if found} == dict.fromkeys(("task", "tasks"), [[*STATES]] * 2)
    assert [*SCHEMAS["top"]["properties"]["counts"]["properties"]] == [*COUNTS]


def test_the_states_of_a_kind_that_a_page_lists_are_all_of_that_kind() -> None:
    assert listed_at("docs/glossary.md", "Word", "**rest**") == {*UNENDED}
    assert listed_at("docs/glossary.md", "Word", "**ended**") == {*ENDINGS}
    assert listed_at("docs/conditions.md", "Field", "`$children`") >= {*ENDINGS}
    assert listed_at("docs/format.md", "Place", "`$children.GROUP`") >= {*ENDINGS}
    told = {state.name for state in STATES.values() if state.told == "failed"}
    assert listed_at("docs/people.md", "Setting", "`when`") >= told


def listed_at(page: str, heading: str, word: str) -> set[str]:
    """The words in backticks in the second column of one row."""
    [row] = [row for row in Page(page).rows(heading) if row[0] == word]
    return {*codes(row[1])}


def enums(schema: Any) -> Iterator[list[Any]]:
    if isinstance(schema, dict) and isinstance(schema.get("enum"), list):
        yield schema["enum"]
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for part in parts:
        yield from enums(part)


def test_each_setting_stands_in_the_example_of_aloma_yaml() -> None:
    [example] = [block.text for block in CLI.blocks("yaml") if block.file == "aloma.yaml"]
    kinds = (config.Config, config.ProviderConfig, config.LimitsConfig)
    settings = {field.name for kind in kinds for field in dataclasses.fields(kind)} - {"file", "budget"}
    settings |= {limit.key for limit in LIMITS}
    settings |= {*PROVIDERS}
    assert settings == set(re.findall(r"^ *(\w+):", example, re.MULTILINE)) - {
        "gpt",
        "REGION",
        "files",
        "nightly",
        "local",
        "azure",
    }


@pytest.mark.parametrize(
    ("page", "heading", "row"),
    [("testing", "Key", "limits"), ("format", "Event", "limits_set"), ("format", "Event", "limit_reached")],
)
def test_each_limit_is_named_in_the_row_about_limits(page: str, heading: str, row: str) -> None:
    [cells] = [one for one in Page(f"docs/{page}.md").rows(heading) if one[0] == f"`{row}`"]
    assert {limit.name for limit in LIMITS} <= set(codes(cells[-1]))


def test_each_kind_of_server_has_a_row_that_can_be_pasted(tmp_path: Path) -> None:
    kinds = set()
    for row in Page("docs/models.md").rows("Server"):
        (tmp_path / "aloma.yaml").write_text(f"providers:\n  {codes(row[1])[0]}\n")
        [(name, provider)] = config_files.read_config(tmp_path).named.items()
        kinds.add(provider.kind)
        assert name in {provider.kind, "mine"}
        assert provider.key_variable is None or provider.key_variable in row[1] + row[2]
    assert kinds == {*KINDS, COMPATIBLE}


@pytest.mark.parametrize(
    ("command", "columns"),
    [
        ("aloma task list", task_list._COLUMNS),
        ("aloma task list -l", task_list._LONG_COLUMNS),
        ("aloma task calls", calls._COLUMNS),
        ("aloma task gc --dry-run", gc._COLUMNS),
        ("aloma usage", usage.COLUMNS),
        ("aloma step list", step_list._COLUMNS),
        ("aloma secret list", secret_list._COLUMNS),
    ],
)
def test_the_columns_of_a_table_in_a_pipe_are_those_of_its_row(command: str, columns: Sequence[Column]) -> None:
    [row] = [row for row in CLI.rows("Command") if codes(row[0]) == [command]]
    assert codes(row[1]) == [column.title for column in columns]


# -- what an author writes -------------------------------------------------------------------------------------------


def test_each_name_of_a_step_file_has_its_row() -> None:
    assert set(listed(STEPS, "Name")) == set(step.OPTIONS)


def test_each_parameter_of_content_has_its_row() -> None:
    assert set(listed(STEPS, "Parameter")) == set(function.PARAMETERS)


@pytest.mark.parametrize(("prefix", "kind"), [("task", TaskHandle), ("step", StepHandle), ("log", Log)])
def test_each_member_of_what_content_receives_is_described(prefix: str, kind: type) -> None:
    described = set(re.findall(rf"`{prefix}\.(\w+)", STEPS.text))
    assert members(kind) <= described


@pytest.mark.parametrize("method", ["subtask", "stop", "ask", "adapt"])
def test_the_arguments_of_a_method_of_task_are_those_of_its_row(method: str) -> None:
    [shown] = [code for code in listed(STEPS, "Member") if code.startswith(f"task.{method}(")]
    assert (
        re.findall(r"(\w+)(?:=[^,)]*)?[,)]", shown)
        == list(inspect.signature(getattr(TaskHandle, method)).parameters)[1:]
    )


def test_each_argument_of_a_subtask_and_of_retry_has_its_row() -> None:
    words = set(re.findall(r"^\| `(\w+)` \|", STEPS.text, re.MULTILINE))
    retry = [field.name for field in dataclasses.fields(Retry)]
    assert {*inspect.signature(TaskHandle.subtask).parameters} - {"self"} | {*retry} <= words


def test_each_public_name_of_the_package_is_described() -> None:
    text = "".join(page.text for page in PAGES)
    assert [name for name in aloma_cli.__all__ if not name.startswith("_") and name not in text] == []


def test_each_public_name_of_the_package_can_be_imported() -> None:
    assert all(getattr(aloma_cli, name) is not None for name in aloma_cli.__all__)


# -- errors ----------------------------------------------------------------------------------------------------------


def test_each_error_has_its_row_with_its_kind_and_exit_code() -> None:
    rows = {codes(row[0])[0]: (codes(row[1])[0], row[3]) for row in PYTHON.rows("Error")}
    assert rows == {name: (kind.__bases__[0].__name__, exit_code(kind)) for name, kind in ERRORS.items()}


def exit_code(kind: type) -> str:
    if not issubclass(kind, errors.AlomaError):
        return "–"
    if issubclass(kind, errors.CredentialsError):
        return "4"
    return str(exit_codes.code_of_error(kind("")))


# -- the record ------------------------------------------------------------------------------------------------------

EVENTS = [kind for kind in vars(events).values() if inspect.isclass(kind) and issubclass(kind, events.Event)]
RECORDED = [kind for kind in EVENTS if kind not in (events.Event, events.CallProgress)]


@pytest.mark.parametrize("kind", RECORDED, ids=lambda kind: str(kind.KIND))
def test_each_event_has_its_row_with_its_fields(kind: Any) -> None:
    [row] = [row for row in FORMAT.rows("Event") if codes(row[0]) == [kind.KIND]]
    own = set(readers_of(kind.KIND)) - {"at", "task"}
    assert own - set(codes(row[1])) <= {"replayed"}  # for views only
    assert set(codes(row[1])) <= own


# -- words ---------------------------------------------------------------------------------------------------

WORDS = "tree task step firing look void landing rest ended closed armed conflict lost superseded withdrawn cycle"


@pytest.mark.parametrize("word", WORDS.split())
def test_each_word_of_the_log_is_in_the_glossary(word: str) -> None:
    assert f"**{word}**" in [row[0] for row in Page("docs/glossary.md").rows("Word")]


# -- links -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [*TOP, *PAGES], ids=lambda page: str(page.path))
def test_what_a_page_links_to_exists(page: Page) -> None:
    folder = (REPOSITORY / page.path).parent
    for link in page.links():
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        path = (folder / target).resolve() if target else REPOSITORY / page.path
        assert path.exists(), link
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), link


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_each_page_is_linked_from_the_readme() -> None:
    linked = set(Page("README.md").links())
    assert [page.path for page in PAGES if page.path not in linked] == []


def test_the_readme_is_a_page_and_not_a_manual() -> None:
    text = Page("README.md").text
    assert text.count("\n") <= 120
    assert [part for part in Page("README.md").prose().split("\n\n") if part.count(";") > 1 and "|" not in part] == []
