"""Spans from events: one trace a tree, a span for each task, run of a firing, and call.

Names and attributes are those of OpenTelemetry's conventions for generative AI (`invoke_workflow`, `invoke_agent`,
`chat`, `execute_tool`); what these lack begins with `aloma.`. Ids follow from the record, so a trace that is sent twice
is the same trace.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import field
from hashlib import sha256
from typing import Any

from aloma_cli.clock import from_iso
from aloma_cli.ids import root_of
from aloma_cli.jsontext import JsonObject, dumps
from aloma_cli.record import events as ev
from aloma_cli.record.states import ENDINGS
from aloma_cli.record.tree import TaskFacts, Tree
from aloma_cli.values import dataclass

MOST_PATHS = 50
"""Changed places that a span names."""

_MOST_TEXT = 20_000
"""Characters of a prompt or an answer."""

Attributes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """`trace`: 128 bits; `id` and `parent`: 64 bits. `begin` and `end`: seconds since 1970. `error`: its type.

    `client`: whether it waited for another system.
    """

    trace: int
    id: int
    parent: int | None
    name: str
    begin: float
    end: float
    attributes: Attributes
    error: str | None = None
    client: bool = False


@dataclass(slots=True)
class Spans:
    """Makes spans of the events of `tree`, each of which the tree has taken in before.

    `texts`: whether spans carry prompts and answers. Calls whose answers come from the record make none.
    """

    tree: Tree
    texts: bool = False
    _started: dict[int, ev.FiringStarted] = field(default_factory=dict)
    _calls: defaultdict[int, list[ev.CallAnswered]] = field(default_factory=lambda: defaultdict(list))

    def of(self, event: ev.Event) -> Iterator[Span]:
        """The spans that end with `event`."""
        match event:
            case ev.FiringStarted():
                self._started[event.firing] = event
            case ev.CallAnswered(replayed=False):
                self._calls[event.firing].append(event)
            case ev.Committed(firing=int(firing)) | ev.FiringLooked(firing=firing):
                yield from self._firing_spans(event, firing)
            case ev.FiringVoided(firing=firing) | ev.FiringFailed(firing=firing):
                yield from self._firing_spans(event, firing)
            case ev.TaskRested(state=state) if state in ENDINGS:
                yield self.task(self.tree.tasks[event.task])

    def task(self, task: TaskFacts) -> Span:
        """The span of a task up to its last event."""
        figures, state = task.total, task.state
        attributes: Attributes = {
            **self._common("invoke_workflow", task.id),
            "gen_ai.workflow.name": task.name,
            "aloma.task.state": state,
            "aloma.task.tags": list(task.tags),
            "aloma.calls": figures.calls,
            "aloma.tokens.input": figures.input_tokens,
            "aloma.tokens.output": figures.output_tokens,
            "aloma.cost.usd": figures.cost,
            **({"aloma.calls.unpriced": figures.unpriced} if figures.unpriced else {}),
        }
        return Span(
            self._trace(task.id),
            _stable_id(64, "task", task.id),
            _stable_id(64, "task", task.parent) if task.parent is not None else None,
            f"invoke_workflow {task.name}",
            from_iso(task.created_at),
            from_iso(task.updated_at),
            attributes,
            "error" if state == "error" else None,
        )

    def _firing_spans(self, event: Any, firing: int) -> Iterator[Span]:
        started = self._started.pop(firing, None)
        end = from_iso(event.at)
        begin, attempt = (end - event.seconds, 1) if started is None else (from_iso(started.at), started.attempt)
        number = _stable_id(64, "run", event.task, firing, begin)
        attributes: Attributes = {
            **self._common("invoke_agent", event.task),
            "gen_ai.agent.name": event.step,
            "aloma.firing": firing,
            "aloma.attempt": attempt,
            "aloma.outcome": _outcome(event),
        }
        if isinstance(event, ev.Committed):
            attributes["aloma.changed"] = [str(one["path"]) for one in event.changes[:MOST_PATHS]]
        for call in self._calls.pop(firing, ()):
            yield self._call_span(call, number, begin)
        yield Span(
            self._trace(event.task),
            number,
            _stable_id(64, "task", event.task),
            f"invoke_agent {event.step}",
            begin,
            end,
            attributes,
            _error_type(event.error) if isinstance(event, ev.FiringFailed) else None,
        )

    def _call_span(self, call: ev.CallAnswered, parent: int, begin: float) -> Span:
        end = from_iso(call.at)
        operation, name, attributes = _call_kind(call)
        return Span(
            self._trace(call.task),
            _stable_id(64, "call", call.task, call.firing, call.key),
            parent,
            f"{operation} {name}",
            max(begin, end - call.seconds),
            end,
            {
                **self._common(operation, call.task),
                "gen_ai.agent.name": call.step,
                "aloma.function": call.call,
                **attributes,
                **(_text_attributes(call) if self.texts else {}),
            },
            _error_type(call.error) if call.error is not None else None,
            client=operation != "execute_tool",
        )

    def _trace(self, task: str) -> int:
        return _stable_id(128, "tree", root_of(task))

    def _common(self, operation: str, task: str) -> Attributes:
        return {"gen_ai.operation.name": operation, "gen_ai.conversation.id": root_of(task), "aloma.task.id": task}


def spans_of(events: Iterable[ev.Event], *, texts: bool = False) -> Iterator[Span]:
    """The spans of a whole tree. Each task is as of the last event."""
    tree = Tree()
    spans = Spans(tree, texts)
    for event in events:
        tree.apply(event)
        if not isinstance(event, ev.TaskRested):
            yield from spans.of(event)
    yield from map(spans.task, tree.tasks.values())


def _error_type(error: JsonObject) -> str:
    return str(error.get("type") or "error")


def _outcome(event: ev.Event) -> str:
    match event:
        case ev.Committed():
            return "fired"
        case ev.FiringLooked():
            return "looked"
        case ev.FiringVoided(reason=reason):
            return reason
        case _:
            return "failed"


def _call_kind(call: ev.CallAnswered) -> tuple[str, str, Attributes]:
    """The operation of a call, what it is done to, and what the conventions want to know of it."""
    connector, _, function = call.call.partition(".")
    if connector in ("tool", "mcp"):
        name = function.partition(".")[2] or function
        return "execute_tool", name, {"gen_ai.tool.name": name, "gen_ai.tool.type": "function"}
    if function in ("chat", "embed"):
        model = _asked_model(call)
        return "chat" if function == "chat" else "embeddings", model, _model(call, model)
    method = call.arguments.get("method")
    return "call", call.call, {"http.request.method": method} if connector == "http" and method else {}


def _asked_model(call: ev.CallAnswered) -> str:
    """The model that a server was asked for: a step may name it by a role, such as `default`."""
    about = call.about or {}
    role, served = str(call.arguments.get("model") or ""), str(about.get("model") or "")
    is_role = served and not served.startswith(role) and not about.get("simulated")
    return served if is_role else role or served or "?"


def _model(call: ev.CallAnswered, model: str) -> Attributes:
    usage, about = call.usage or {}, call.about or {}
    answer = call.answer if isinstance(call.answer, dict) else {}
    reasons = [one.get("finish_reason") for one in answer.get("choices") or () if isinstance(one, dict)]
    told = {
        "gen_ai.provider.name": about.get("provider"),
        "gen_ai.request.model": model,
        "aloma.model": call.arguments.get("model"),
        "gen_ai.response.model": about.get("model"),
        "gen_ai.response.id": answer.get("id"),
        "gen_ai.response.finish_reasons": [str(reason) for reason in reasons if reason],
        "gen_ai.output.type": "json" if call.arguments.get("schema") else "text",
        "gen_ai.usage.input_tokens": usage.get("input_tokens"),
        "gen_ai.usage.output_tokens": usage.get("output_tokens"),
        "gen_ai.usage.cache_read.input_tokens": usage.get("cached_tokens"),
        "aloma.cost.usd": usage.get("cost"),
        "aloma.estimated": usage.get("estimated"),
        "aloma.simulated": about.get("simulated"),
    }
    return {name: value for name, value in told.items() if value is not None and value != []}


def _text_attributes(call: ev.CallAnswered) -> Attributes:
    asked = call.arguments.get("messages", call.arguments)
    texts = {"gen_ai.input.messages": dumps(asked)[:_MOST_TEXT]}
    if call.answer is not None:
        texts["gen_ai.output.messages"] = dumps(call.answer)[:_MOST_TEXT]
    if call.error is not None:
        texts["error.message"] = str(call.error.get("message"))[:_MOST_TEXT]
    return texts


def _stable_id(bits: int, *words: object) -> int:
    """A number that these words always give, never 0: OpenTelemetry takes 0 for a missing id."""
    digest = sha256("\0".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[: bits // 8]) or 1
