"""The groups of options that several commands share: the model server, limits, the output, how a task is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from aloma_cli.budget import LIMITS, Limit, LimitRequest
from aloma_cli.cli import options, output
from aloma_cli.cli.parameters import Group, Option, Parameter
from aloma_cli.cli.task_data import given_path
from aloma_cli.clock import DURATION, is_duration
from aloma_cli.document.stash import hide_stash
from aloma_cli.errors import InputError
from aloma_cli.later import Later
from aloma_cli.loader.sources import ModelFlags
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.api.task import Task
    from aloma_cli.cli import expectation
    from aloma_cli.jsontext import JsonObject
else:
    expectation = Later("aloma_cli.cli.expectation")

Text = str | None


def _model_flags(
    base_url: Annotated[Text, Option(("--base-url",), "An OpenAI-compatible server for model calls.", "URL")] = None,
    api_key: Annotated[
        Text, Option(("--api-key",), "The key for that server; visible to other users during the run.", "KEY")
    ] = None,
    api_key_file: Annotated[Text, Option(("--api-key-file",), "A file with the key for that server.", "FILE")] = None,
    model: Annotated[Text, Option(("--model",), "The model that answers all calls, or SERVER/MODEL.", "NAME")] = None,
    offline: Annotated[bool, Option(("--offline",), "Simulate all model answers.")] = False,
    require_real: Annotated[bool, Option(("--require-real",), "Fail rather than simulate model answers.")] = False,
    responses: Annotated[Text, Option(("--responses",), "Scripted answers for simulated calls.", "DIR")] = None,
    delay: Annotated[Text, Option(("--delay",), "Average seconds per simulated answer.", "SECONDS")] = None,
) -> ModelFlags:
    """What these options say. Raises InputError where they are invalid or cannot be used together."""
    if api_key is not None and api_key_file is not None:
        raise InputError("--api-key and --api-key-file cannot be used together", hint="use --api-key-file")
    if offline and require_real:
        raise InputError("--offline and --require-real cannot be used together")
    if offline and base_url:
        raise InputError("--offline and --base-url cannot be used together")
    if api_key:
        output.say(
            "aloma: --api-key can be read by the other users of this machine while the command runs; "
            "use --api-key-file FILE, or the environment"
        )
    folder = None if responses is None else given_path(responses).resolve()
    if folder is not None and not folder.is_dir():
        raise InputError(f"--responses {responses}: there is no such folder")
    return ModelFlags(
        base_url=base_url,
        api_key=api_key if api_key_file is None else _key_in(api_key_file),
        model=model,
        offline=offline or None,
        require_real=require_real,
        responses=folder,
        delay=None if delay is None else _seconds(delay, "--delay"),
    )


def _key_in(name: str) -> str:
    path = given_path(name)
    try:
        key = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(f"--api-key-file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"--api-key-file {path} is not UTF-8") from None
    if not key or not key.isascii() or not key.isprintable():
        # What is in it is not quoted: it may be a key.
        raise InputError(f"--api-key-file {path} does not hold a key", hint="write the key alone on one line")
    return key


def _seconds(text: str, option: str) -> float:
    value = _typed_number(text)
    if not is_duration(value):
        raise InputError(f"{option} {text!r} is not {DURATION}")
    return value


def number(text: str, option: str, *, least: float = 0, most: float) -> float:
    """A number from `least` to `most`. Raises InputError."""
    value = _typed_number(text)
    if not least <= value <= most:
        raise InputError(f"{option} {text!r} is not a number from {least:g} to {most:g}")
    return value


def _typed_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def _limit_requests(**texts: str | None) -> dict[str, LimitRequest]:
    return {limit.name: _limit_request(limit, text) for limit in LIMITS if (text := texts[limit.name]) is not None}


def _limit_request(limit: Limit, text: str) -> LimitRequest:
    value = _seconds(text, limit.option) if limit.unit == "SECONDS" else _typed_number(text)
    if not 0 <= value < float("inf") or (limit.whole and value != int(value)):
        raise InputError(f"{limit.option} {text!r} is not {'an integer' if limit.whole else 'a number'} of at least 0")
    return LimitRequest(value, more=text.startswith("+"))


@dataclass(frozen=True, slots=True)
class EachOptions:
    """One task for each line of the file `lines`."""

    lines: Annotated[Text, Option(("--each",), "Make one task for each line of JSON.", "FILE|-")] = None
    jobs: Annotated[
        int | None, Option(("--jobs", "-j"), "With --each: tasks at the same time; 20 by default.", "N", min=1)
    ] = None
    key_field: Annotated[Text, Option(("--key-field",), "With --each: where a line has its key.", "PATH")] = None


Each = Annotated[EachOptions, Group.of(EachOptions, "Many tasks")]
Models = Annotated[ModelFlags, Group.of(_model_flags, "Models")]
Limits = Annotated[
    dict[str, LimitRequest],
    Group(
        _limit_requests,
        tuple(Parameter(one.name, str, Option((one.option,), one.about, one.unit), part="Limits") for one in LIMITS),
    ),
]


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """What goes to stdout: the record, the document or the result, and the events; default: the id.

    `quiet`: no output on stderr. Raises InputError for two of these.
    """

    as_json: options.AsJson = False
    as_data: options.AsData = False
    as_result: options.AsResult = False
    events: Annotated[bool, Option(("--events",), "Print each event as a line of JSON, as it happens.")] = False
    quiet: Annotated[bool, Option(("--quiet", "-q"), "Show nothing of the run on stderr.")] = False

    def __post_init__(self) -> None:
        if self.as_json + self.as_data + self.as_result > 1:
            options.check_one_format({"--json": self.as_json, "--data": self.as_data, "--result": self.as_result})

    def print(self, task: Task) -> None:
        """Print the task in the format asked for; by default nothing after its events."""
        if self.as_json:
            output.put_json(output.whole_record(task.seen, task.data))
        elif self.as_data:
            output.put_json(hide_stash(task.data))
        elif self.as_result:
            output.put_json(output.visible_result(task.record, task.data))
        elif not self.events:
            output.put(task.id)


Output = Annotated[OutputOptions, Group.of(OutputOptions, "Output")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The goal of the task, how it is run, and what is printed of it."""

    expect: options.Expect = None
    wait: options.Wait = False
    workspace: options.Workspace = None
    output: Output
    limits: Limits
    models: Models

    @property
    def expected(self) -> JsonObject | None:
        """The condition that --expect gives. Raises InputError."""
        return None if self.expect is None else expectation.expectation(self.expect)


Run = Annotated[RunOptions, Group.of(RunOptions)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """The options of what asks something of a task and then runs it: `task set`, `answer`, `redo`, `settle`."""

    no_run: options.NoRun = False
    wait: options.Wait = False
    workspace: options.Workspace = None
    output: Output
    limits: Limits
    models: Models


Request = Annotated[RequestOptions, Group.of(RequestOptions)]
