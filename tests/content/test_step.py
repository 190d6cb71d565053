"""A step is whole: whatever is wrong with it is refused when it is made."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.clock import LONGEST
from aloma_cli.content.function import PARAMETERS
from aloma_cli.content.retry import Retry
from aloma_cli.content.step import Step
from aloma_cli.errors import (
    AnswerError,
    ConditionError,
    ConnectorError,
    PermanentError,
    RetryableError,
    StepError,
    StepStopped,
    StepTimeout,
    StepWithdrawn,
)
from tests.support.steps import python

CONDITION = {"order": {"paid": True}}


async def content(data: dict[str, Any], log: Any) -> None:
    """Ship it.

    And more.
    """


def step(**options: Any) -> Step:
    return Step(**{"name": "ship", "condition": CONDITION, "content": content, **options})


def refusal(**options: Any) -> StepError:
    with pytest.raises(StepError) as caught:
        step(**options)
    return caught.value


def test_a_step_says_what_it_is() -> None:
    ship = step()
    assert ship.condition.matches({"order": {"paid": True}})
    assert (ship.content.parameters, python(ship).is_async, python(ship).summary) == (("data", "log"), True, "Ship it.")
    assert (ship.priority, ship.retry, ship.timeout, ship.enabled) == (0, None, None, True)
    assert (ship.rearm, ship.withdraw, ship.source) == ("edge", False, None)
    assert repr(ship) == "Step('ship')"


def test_a_step_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        step().priority = 1  # type: ignore[misc]  # that it is refused is the point


@pytest.mark.parametrize("name", ["a b", "research/level 1", "é", "👩‍💻", "a-b"])
def test_names_with_spaces_slashes_and_any_letters_are_fine(name: str) -> None:
    assert step(name=name).name == name


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("name", "", "a string with no dots, no control characters and no spaces at its ends"),
        ("name", "v1.2", "a string with no dots, no control characters and no spaces at its ends"),
        ("name", " a", "a string with no dots, no control characters and no spaces at its ends"),
        ("name", "a\nb", "a string with no dots, no control characters and no spaces at its ends"),
        ("name", "\ud800", "a string with no dots, no control characters and no spaces at its ends"),
        ("name", 3, "a string with no dots, no control characters and no spaces at its ends"),
        ("priority", "high", "an integer"),
        ("priority", 1.0, "an integer"),
        ("priority", True, "an integer"),
        ("priority", None, "an integer"),
        ("retry", {"times": 3}, "a Retry"),
        ("retry", Retry, "a Retry"),
        ("timeout", 0, "a number of seconds above 0 and up to 100 years"),
        ("timeout", -1.5, "a number of seconds above 0 and up to 100 years"),
        ("timeout", "5s", "a number of seconds above 0 and up to 100 years"),
        ("timeout", True, "a number of seconds above 0 and up to 100 years"),
        ("timeout", float("nan"), "a number of seconds above 0 and up to 100 years"),
        ("timeout", float("inf"), "a number of seconds above 0 and up to 100 years"),
        ("timeout", 1e15, "a number of seconds above 0 and up to 100 years"),
        ("enabled", "no", "True or False"),
        ("enabled", 1, "True or False"),
        ("rearm", "always", "'edge' or 'change'"),
        ("rearm", ["edge"], "'edge' or 'change'"),
        ("withdraw", None, "True or False"),
    ],
)
def test_an_option_refuses_what_it_cannot_mean(option: str, value: object, wanted: str) -> None:
    name = repr(value) if option == "name" else "'ship'"
    assert str(refusal(**{option: value})) == f"step {name}: `{option}` must be {wanted}, got {value!r}"


def test_a_number_for_retry_is_told_how_to_write_it() -> None:
    assert refusal(retry=5).hint == "write `retry = Retry(times=5)`, with `from aloma_cli import Retry`"


def test_a_misspelt_rearm_is_told_the_right_word() -> None:
    assert refusal(rearm="chnage").hint == "did you mean `change`?"


def test_a_long_value_is_cut_in_the_message() -> None:
    assert len(str(refusal(priority="x" * 1000))) < 150


def test_an_ill_formed_condition_names_the_step_and_keeps_its_path() -> None:
    error = refusal(condition={"total": {"$gtee": 3}})
    assert isinstance(error, ConditionError)
    assert str(error).startswith("step 'ship': condition.total.$gtee: ")
    assert error.path == ("total", "$gtee")


@pytest.mark.parametrize("value", [None, 3, "content", dict, print])
def test_content_must_be_a_function_of_ours(value: object) -> None:
    assert str(refusal(content=value)) == f"step 'ship': `content` must be a function, got {value!r}"


def test_generators_are_refused() -> None:
    def generator(data: Any) -> Any:
        yield data

    async def async_generator(data: Any) -> Any:
        yield data

    for each in (generator, async_generator):
        assert str(refusal(content=each)) == "step 'ship': `content` uses `yield`; a step changes `data` and returns"


def test_content_may_ask_for_everything_there_is_in_any_order() -> None:
    def everything(
        now: Any, log: Any, config: Any, lib: Any, connectors: Any, step: Any, task: Any, data: Any
    ) -> None: ...

    assert step(content=everything).content.parameters == tuple(reversed(PARAMETERS))


def test_an_unknown_parameter_is_told_the_known_ones() -> None:
    error = refusal(content=lambda dta: dta)
    assert str(error) == (
        "step 'ship': `content` has an unknown parameter `dta`; "
        "known are data, task, step, connectors, lib, config, log, now"
    )
    assert error.hint == "did you mean `data`?"


def test_an_unknown_parameter_with_a_default_is_the_authors_own() -> None:
    assert step(content=lambda data, limit=3, now=None: (data, limit, now)).content.parameters == ("data", "now")


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lambda *args: args, "`content` takes its arguments by name; *args is not supported"),
        (lambda **rest: rest, "`content` takes its arguments by name; **rest is not supported"),
        (lambda data, /: data, "`content` takes its arguments by name; `data` is positional-only"),
    ],
)
def test_what_cannot_be_passed_by_name_is_refused(function: Any, problem: str) -> None:
    assert str(refusal(content=function)) == f"step 'ship': {problem}"


def traced(function: Any) -> Any:
    @functools.wraps(function)
    def traced_function(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return traced_function


class Robot:
    async def __call__(self, data: Any) -> None:
        """Do as told."""

    def method(self, task: Any) -> None: ...


@pytest.mark.parametrize(
    ("function", "parameters", "is_async"),
    [
        (Robot(), ("data",), True),
        (Robot().method, ("task",), False),
        (functools.partial(content, log=print), ("data",), True),
        (functools.partial(content, {}), ("log",), True),
        (traced(content), ("data", "log"), True),
    ],
)
def test_wrapped_functions_are_seen_through(function: Any, parameters: tuple[str, ...], is_async: bool) -> None:
    made = step(content=function)
    assert (made.content.parameters, python(made).is_async) == (parameters, is_async)


async def awaits(data: Any) -> None:
    data["x"] = await later()


async def awaits_each(data: Any) -> None:
    async for one in stream():
        data["x"] = one


async def awaits_all(data: Any) -> None:
    data["x"] = [one async for one in stream()]


async def awaits_on_entry(lib: Any) -> None:
    async with lib.lock:
        pass


async def has_an_inner_function_that_awaits(data: Any, task: Any) -> None:
    async def inner() -> None:
        await later()

    task.keep(inner)
    data["x"] = 1


async def later() -> int:
    return 1


async def stream() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("function", "waits"),
    [
        (content, False),
        (has_an_inner_function_that_awaits, False),
        (awaits, True),
        (awaits_each, True),
        (awaits_all, True),
        (awaits_on_entry, True),
        (Robot().method, True),  # a plain function has a thread of its own
        (traced(content), True),  # who wraps it may wait
        (Robot(), True),
        (functools.partial(content, log=print), True),
    ],
)
def test_only_an_async_function_without_await_never_waits(function: Any, waits: bool) -> None:
    assert python(step(content=function)).waits is waits


def test_the_summary_is_that_of_the_function_behind() -> None:
    assert step(content=functools.partial(content, log=print)).content.summary == "Ship it."
    assert step(content=Robot()).content.summary == "Do as told."
    assert step(content=Robot().method).content.summary == ""


def test_a_partial_with_too_many_arguments_is_refused() -> None:
    method: Any = Robot().method
    error = refusal(content=functools.partial(method, 1, 2))
    assert str(error).startswith("step 'ship': `content` cannot be called: ")


def test_the_code_of_equal_source_is_equal_and_of_other_source_is_not() -> None:
    async def other(data: Any, log: Any) -> None:
        data["sent"] = True

    assert step().content.fingerprint == step(name="b", condition={}).content.fingerprint
    assert step().content.fingerprint != step(content=other).content.fingerprint


@pytest.mark.parametrize(
    ("content", "on_loop"),
    [(lambda data: None, False), (lambda connectors: None, True), (awaits, True)],
    ids=["plain", "calls connectors", "async"],
)
def test_code_of_authors_runs_on_the_loop_if_it_is_async_or_that_of_a_connector(content: Any, on_loop: bool) -> None:
    assert step(content=content).content.on_loop is on_loop


def test_code_made_without_a_file_has_a_fingerprint_that_follows_its_text() -> None:
    def made(text: str) -> str:
        namespace: dict[str, Any] = {}
        exec(f"def content(data): data['x'] = {text}", namespace)  # noqa: S102  (as at a prompt)
        return step(content=namespace["content"]).content.fingerprint

    assert made("1") == made("1")
    assert made("1") != made("2")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"times": 0}, "`times` of Retry must be an integer from 1, got 0"),
        ({"times": 2.5}, "`times` of Retry must be an integer from 1, got 2.5"),
        ({"wait": -1}, "`wait` of Retry must be a number of seconds from 0 to 100 years, got -1"),
        ({"wait": 1e15}, "`wait` of Retry must be a number of seconds from 0 to 100 years, got 1000000000000000.0"),
        ({"wait": "1s"}, "`wait` of Retry must be a number of seconds from 0 to 100 years, got '1s'"),
        ({"on": "ValueError"}, "`on` of Retry must be an exception class or a tuple of them, got 'ValueError'"),
        ({"on": (3,)}, "`on` of Retry must be an exception class or a tuple of them, got (3,)"),
    ],
)
def test_a_retry_refuses_what_makes_no_sense(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(StepError) as caught:
        Retry(**options)
    assert str(caught.value) == problem


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, StepStopped, BaseException])
def test_what_ends_a_firing_from_outside_cannot_be_retried(kind: type[BaseException]) -> None:
    with pytest.raises(StepError, match="must be an exception class or a tuple of them"):
        Retry(on=(ValueError, kind))


def test_the_wait_doubles_up_to_a_minute() -> None:
    retry = Retry(times=9, wait=4)
    assert [retry.wait_before(attempt) for attempt in range(1, 9)] == [0, 4, 8, 16, 32, 60, 60, 60]


def test_a_first_wait_over_a_minute_is_kept() -> None:
    assert [Retry(wait=300).wait_before(attempt) for attempt in (2, 3)] == [300, 300]


@given(wait=st.floats(0, LONGEST), attempt=st.integers(1, 10_000))
def test_a_later_try_never_waits_less(wait: float, attempt: int) -> None:
    retry = Retry(wait=wait)
    assert 0 <= retry.wait_before(attempt) <= retry.wait_before(attempt + 1) <= max(wait, 60)


@pytest.mark.parametrize(
    ("on", "error", "again"),
    [
        (Exception, ValueError(), True),
        (ValueError, ValueError(), True),
        ((ValueError, KeyError), KeyError(), True),
        (ValueError, KeyError(), False),
        ((), ValueError(), False),
        (Exception, PermanentError("no"), False),
        (PermanentError, PermanentError("no"), False),
        (ValueError, RetryableError("later"), True),
        (Exception, ConnectorError("429", retryable=True), True),
        (ValueError, ConnectorError("429", retryable=True), False),
        (Exception, ConnectorError("400"), False),
        (ConnectorError, ConnectorError("400"), True),
        ((Exception, ConnectorError), AnswerError("no JSON"), True),
        (AnswerError, AnswerError("no JSON"), True),
        (AnswerError, ConnectorError("400"), False),
        (Exception, StepTimeout(), True),
        (TimeoutError, StepTimeout(), True),
        (StepTimeout, StepTimeout(), True),
        (ValueError, StepTimeout(), False),
        (Exception, StepStopped(), False),
        (Exception, StepWithdrawn(), False),
        (Exception, KeyboardInterrupt(), False),
    ],
)
def test_which_errors_are_worth_another_try(on: Any, error: BaseException, again: bool) -> None:
    assert Retry(on=on).applies(error) is again
