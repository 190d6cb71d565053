"""A workspace's own connectors: functions of a module, recorded like all others."""

from __future__ import annotations

import asyncio
import threading
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from aloma_cli import CallHandle, tool
from aloma_cli.connectors.base import Call, Connector
from aloma_cli.connectors.workspace import module_connector
from aloma_cli.errors import ConnectorError, PermanentError, RetryableError
from aloma_cli.jsontext import Json
from tests.connectors.support import Recorder, run

SOURCE = """
import threading
from json import dumps
from aloma_cli.errors import ConnectorError, PermanentError, RetryableError

async def lookup(customer, *more, limit=10, **rest):
    return {"customer": customer, "more": list(more), "limit": limit, "rest": rest}

def slow():
    return threading.current_thread().name

async def pay(amount, *, idempotency_key):
    return {"amount": amount, "key": idempotency_key}

async def fail(kind):
    raise {"value": ValueError("bad"), "retry": RetryableError("later"), "permanent": PermanentError("never"),
           "connector": ConnectorError("no", retryable=True, status=503)}[kind]

async def unspeakable():
    return object()

def _private():
    pass

class Client:
    pass
"""


@pytest.fixture
def crm() -> Connector:
    module = ModuleType("crm")
    exec(SOURCE, module.__dict__)  # noqa: S102  (the source stands above)
    return module_connector("crm", module)


def use(crm: Connector, function: str, *args: Any, recorder: Recorder | None = None, **kwargs: Any) -> Json:
    return run((recorder or Recorder()).call(crm[function], *args, **kwargs))


def test_the_public_functions_of_the_module_are_its_functions(crm: Connector) -> None:
    """Neither what it imports, nor classes, nor what begins with an underscore."""
    assert set(crm) == {"lookup", "slow", "pay", "fail", "unspeakable"}


def test_arguments_are_recorded_by_name_and_passed_on_as_given(crm: Connector) -> None:
    recorder = Recorder()

    result = use(crm, "lookup", "acme", 1, 2, limit=3, region="eu", recorder=recorder)

    assert result == {"customer": "acme", "more": [1, 2], "limit": 3, "rest": {"region": "eu"}}
    assert recorder.sent == [{"customer": "acme", "more": [1, 2], "limit": 3, "rest": {"region": "eu"}}]


def test_a_plain_function_runs_in_a_thread(crm: Connector) -> None:
    assert use(crm, "slow") != threading.main_thread().name


def test_a_function_that_asks_for_the_key_of_the_call_gets_it(crm: Connector) -> None:
    """The step does not give it, and it is not recorded."""
    recorder = Recorder()

    assert use(crm, "pay", 5, recorder=recorder) == {"amount": 5, "key": "key-1"}
    assert recorder.sent == [{"amount": 5}]


def test_arguments_that_do_not_fit_are_an_error_with_the_functions_name(crm: Connector) -> None:
    with pytest.raises(TypeError, match=r"connectors\.crm\.lookup: missing a required argument: 'customer'"):
        use(crm, "lookup")


def test_an_argument_that_is_not_json_is_named(crm: Connector) -> None:
    with pytest.raises(PermanentError, match=r"connectors\.crm\.lookup: the argument customer is not JSON"):
        use(crm, "lookup", object())


def test_a_result_that_is_not_json_is_an_error(crm: Connector) -> None:
    with pytest.raises(ConnectorError, match=r"connectors\.crm\.unspeakable returned a value that is not JSON"):
        use(crm, "unspeakable")


@pytest.mark.parametrize(
    ("kind", "message", "retryable", "cause"),
    [
        ("value", "connectors.crm.fail failed: ValueError: bad", False, ValueError),
        ("retry", "connectors.crm.fail failed: RetryableError: later", True, RetryableError),
        ("permanent", "connectors.crm.fail failed: PermanentError: never", False, PermanentError),
    ],
)
def test_an_exception_becomes_a_connectors_error_and_is_kept(
    crm: Connector, kind: str, message: str, retryable: bool, cause: type[Exception]
) -> None:
    with pytest.raises(ConnectorError) as caught:
        use(crm, "fail", kind)

    assert (str(caught.value), caught.value.retryable) == (message, retryable)
    assert isinstance(caught.value.__cause__, cause)


def test_a_connectors_error_passes_as_it_is(crm: Connector) -> None:
    with pytest.raises(ConnectorError) as caught:
        use(crm, "fail", "connector")

    assert (str(caught.value), caught.value.retryable, caught.value.status) == ("no", True, 503)


def test_any_object_with_functions_will_do() -> None:
    """So that tests of steps can bring a fake, or a mock."""
    fake = module_connector("crm", SimpleNamespace(lookup=AsyncMock(return_value=7), count=lambda: 3))

    assert use(fake, "lookup", customer="acme") == 7
    assert use(fake, "count") == 3


CALLED = """
def plain(pages, call):
    for page in range(pages):
        call.progress(f"page {page}\\n of  {pages}")
    call.log("all read")
    return threading.current_thread() is threading.main_thread()

async def on_the_loop(call: CallHandle):
    call.progress("x" * 1000)

def dial(call: str):
    return call
"""


def told(function: str, **arguments: Any) -> tuple[Json, list[tuple[str, str | None]], list[str]]:
    """The result of a function, what it told the views, and what it logged."""
    module = ModuleType("pbx")
    progress: list[tuple[str, str | None]] = []
    logged: list[str] = []
    exec(f"import threading\n{CALLED}", module.__dict__)  # noqa: S102  (the source stands above)
    called = module_connector("pbx", module)[function]

    async def work() -> Json:
        def show(state: str, *, text: str | None = None) -> None:
            progress.append((state, text))

        call = Call(f"pbx.{function}", arguments, "k", "t", "s", 1, {}, show, log=logged.append)  # type: ignore[arg-type]
        answer = await called.send(call)
        await asyncio.sleep(0)
        return answer.value

    return run(work()), progress, logged


def test_a_function_tells_how_far_it_is_from_any_thread() -> None:
    result, progress, logged = told("plain", pages=1000)
    assert (result, logged) == (False, ["all read"])
    assert progress[0] == ("working", "page 0 of 1000")
    assert len(progress) < 10, "at most ten a second"


def test_a_progress_is_one_short_line() -> None:
    [(state, text)] = told("on_the_loop")[1]
    assert (state, len(text or "")) == ("working", 200)


def test_a_parameter_call_with_a_type_of_its_own_is_an_argument() -> None:
    assert told("dial", call="112")[0] == "112"
    assert run(Recorder().call(module_connector("pbx", SimpleNamespace(dial=lambda call: None))["dial"])) is None


def test_what_a_function_is_handed_is_not_told_to_a_model() -> None:
    def load(pages: int, call: CallHandle, idempotency_key: str) -> None:
        """Load pages."""

    _, schema = module_connector("crm", SimpleNamespace(load=load))["load"].described("crm.load") or ("", {})
    assert list(schema["properties"]) == ["pages"]
    assert tool(load).definition["function"]["parameters"]["required"] == ["pages"]
