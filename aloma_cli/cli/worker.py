"""`aloma worker`"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

from aloma_cli.api.task import Task
from aloma_cli.api.worker import Until, Worker
from aloma_cli.cli import options, output
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.run import no_keyboard
from aloma_cli.cli.service import Service
from aloma_cli.cli.until_signal import run_until_signal
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.errors import AlomaError, InputError
from aloma_cli.jsontext import JsonObject
from aloma_cli.loader.links import link_key
from aloma_cli.triggers.trigger import TriggerReport
from aloma_cli.triggers.triggers import Triggers
from aloma_cli.view.format import clean, duration, money, plural

if TYPE_CHECKING:
    from starlette.routing import Route

    from aloma_cli.api.workspace import Workspace


def worker(
    concurrency: Annotated[int, Option(("--concurrency", "-c"), "Tasks at the same time.", "N")] = 20,
    only: Annotated[str | None, Option(("--only",), "Only tasks with this tag.", "TAG", offers="tag")] = None,
    once: Annotated[bool, Option(("--once",), "Exit when no task is due.")] = False,
    drain: Annotated[bool, Option(("--drain",), "Exit when no task is due and no timer is set.")] = False,
    any_release: Annotated[bool, Option(("--any-release",), "Also tasks of other versions of the steps.")] = False,
    web: Annotated[int | None, Option(("--web",), "Answer HTTP on this port.", "PORT", 1)] = None,
    as_json: Annotated[bool, Option(("--json",), "Print the record of each task at rest as a line of JSON.")] = False,
    quiet: Annotated[bool, Option(("--quiet", "-q"), "Show only errors on stderr.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma worker
      aloma worker -c 50 --only nightly
      aloma worker --drain --json | jq .state

    Runs each task that is due: it was created with `aloma task new --queue`, its timer has
    expired, or another process left it unfinished. Other commands work as without a worker.
    The triggers of aloma.yaml make further tasks; webhooks are answered at the port of
    its section `web`, or of --web. With --once and --drain, triggers make only the tasks
    that were missed while no worker ran, and no request is answered.
    On SIGTERM or Ctrl-C it takes no new task, waits up to 30 s for running steps, and exits.
    """
    if concurrency < 1:
        raise InputError(f"-c {concurrency} is not an integer of at least 1")
    options.check_one_format({"--once": once, "--drain": drain, "--web": web is not None})
    home, told = load_workspace(workspace), _Printer(quiet=quiet, as_json=as_json)
    triggers = Triggers(home, told.triggered)
    working = Worker(home, told.left, told.refused, concurrency, only, any_release)
    told.made, told.ended = working.wake, triggers.see
    service = Service(
        triggers, home.loaded.config.web, web, told.say, told.warn, working.leave, partial(_pages, home, working.wake)
    )
    told.say(f"worker started, up to {plural(concurrency, 'task')} at the same time; Ctrl-C ends it")
    code = _run_until_end(working, triggers, service, "idle" if once else "drained" if drain else "stopped")
    if (once or drain) and not told.ran:
        told.say("no task was due")
    return code


def _pages(home: Workspace, wake: Callable[[], object]) -> list[Route]:
    """The pages on which people answer questions, where `web:` says how they are reached."""
    if home.loaded.config.web is None or home.loaded.root is None:
        return []
    from aloma_cli.web.answers import answers

    return answers(home, link_key(home.loaded.root, home.loaded.environment), wake)


class _Printer:
    """What a worker prints. `made` is called when a trigger has made a task, `ended` with each record that was left."""

    made: Callable[[], object]
    ended: Callable[[JsonObject], object]

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet = quiet
        self._as_json = as_json
        self.ran = False

    def warn(self, text: str) -> None:
        output.say(f"aloma: {text}")

    def say(self, text: str) -> None:
        if not self._quiet:
            self.warn(text)

    def left(self, task: Task) -> None:
        self.ran = True
        if not self._quiet:
            output.say(_task_line(task))
        if self._as_json:
            output.put_json(output.whole_record(task.seen, task.data))
            output.result().flush()
        self.ended(task.record)

    def refused(self, root: str, error: AlomaError) -> None:
        self.ran = True
        self.warn(f"task {root}: {error}" if root else str(error))

    def triggered(self, told: TriggerReport) -> None:
        if told.error is not None:
            self.warn(f"trigger {told.trigger}: {told.error}")
        if told.made is not None:
            self.made()
            if not self._quiet:
                output.say(f"{told.made.task}  made by trigger {told.trigger}")


async def _work(worker: Worker, triggers: Triggers, service: Service, until: Until) -> None:
    await triggers.catch_up()
    try:
        if until == "stopped":
            await service.start()
        await worker.run(until)
    finally:
        await service.close()


def _run_until_end(worker: Worker, triggers: Triggers, service: Service, until: Until) -> int:
    """Run the worker; the first signal lets it end in order, the second at once."""

    def end() -> None:
        output.say("aloma: stopping; waiting for running steps (Ctrl-C again: stop at once)")
        worker.leave()
        service.leave()

    with no_keyboard():
        return run_until_signal(_work(worker, triggers, service, until), end)


def _task_line(task: Task) -> str:
    usage = task.record["usage"]
    parts = [clean(task.name), task.state, duration(task.record["seconds"])]
    if usage["calls"]:
        parts.append(plural(usage["calls"], "call"))
    if usage.get("cost"):
        parts.append(money(usage["cost"]))
    return f"{task.id}  {', '.join(parts)}"
