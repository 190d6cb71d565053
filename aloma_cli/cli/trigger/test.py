"""`aloma trigger test`"""

from __future__ import annotations

from typing import Annotated

from aloma_cli.api.workspace import Workspace
from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import DONE
from aloma_cli.cli.output import put, put_json, say
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.task_data import read_data
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.errors import NotFoundError, did_you_mean
from aloma_cli.jsontext import JsonObject
from aloma_cli.loader.triggers import TriggerConfig
from aloma_cli.triggers.event import TriggerEvent, make, order_for
from aloma_cli.triggers.triggers import example


def try_trigger(
    name: Annotated[str, Argument("NAME", "The name of a trigger.")],
    data: Annotated[str | None, Option(("-d",), "What the event has; the rest is an example.", "JSON|@FILE|-")] = None,
    run: Annotated[bool, Option(("--run",), "Make the task, for a worker to run.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma trigger test orders -d '{"body": {"id": 7}}'
      aloma trigger test nightly --run

    Prints the event, and the task that the trigger would make for it, as JSON. Without -d
    the event is an example: the next scheduled time, the newest file, a request with an empty
    object, the last task that ended. --run makes the task, and prints its id.
    """
    given = read_data(data, None)
    home = load_workspace(workspace)
    config = _named(home, name)
    event = _merged(example(home, config), given)
    order = order_for(config, event, home.clock.now())
    if not run:
        put_json({"event": event.body, "task": home.setup.redactor.value(order._asdict() | {"tags": [*order.tags]})})
        return DONE
    made = make(home, order)
    say("aloma: queued; `aloma worker` runs it" if made.new else "aloma: there is a task with this key")
    put(made.task)
    return DONE


def _named(home: Workspace, name: str) -> TriggerConfig:
    found = {config.name: config for config in home.loaded.config.triggers}
    if name not in found:
        known = f"known triggers: {', '.join(found)}" if found else "write them under `triggers:` in aloma.yaml"
        raise NotFoundError(f"there is no trigger {name!r}", hint=did_you_mean(name, found) or known)
    return found[name]


def _merged(event: TriggerEvent, given: JsonObject) -> TriggerEvent:
    """The event with what is given; a key that its kind knows belongs to the example alone."""
    return event._replace(body={**event.body, **given}, key=None) if given else event
