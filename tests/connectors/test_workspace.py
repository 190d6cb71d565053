"""A workspace's own connectors: functions of a module, recorded like all others."""

from __future__ import annotations

import threading
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from aloma_cli.connectors.base import Connector
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
