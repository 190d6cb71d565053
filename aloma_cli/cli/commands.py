"""All commands: their words, where they are, and what they do in a line."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from aloma_cli.errors import InputError


class Command(NamedTuple):
    """`function`: the module below `aloma_cli.cli` and the function in it. `about`: the first line of its help."""

    function: str
    about: str

    def load(self) -> Callable[..., int]:
        """The function, which returns an exit code. Only here is its module imported."""
        module, _, name = self.function.partition(":")
        command: Callable[..., int] = getattr(importlib.import_module(f"aloma_cli.cli.{module}"), name)
        return command


GROUPS = {
    "task": "Create, run and inspect tasks.",
    "step": "Inspect the steps (agents) of the workspace.",
    "trigger": "List and test triggers, which create tasks.",
    "secret": "Store keys and passwords for the steps.",
}

COMMANDS = {
    "worker": Command("worker:worker", "Run all due tasks, until it is stopped."),
    "top": Command("top:top", "Count all tasks, and show those that run, live."),
    "web": Command("web:web", "Show all tasks, and each one, live in a browser."),
    "init": Command("init:init", "Create a workspace that runs at once."),
    "doctor": Command("doctor:doctor", "Check the workspace and its model servers."),
    "test": Command("test:run_tests", "Run the cases of the workspace, without a real call."),
    "inbox": Command("inbox:inbox", "Show all open questions, and answer them one by one."),
    "report": Command("overview:report", "Write all tasks as a page: states, durations, cost."),
    "help": Command("help:show_help", "Show the help of a command, or a page about a topic."),
    "config": Command("config:show_config", "Show the settings, and where each value comes from."),
    "usage": Command("usage:usage", "Show calls, tokens and cost of all tasks."),
    "task new": Command("task.new:new", "Create a task and run it until nothing is left to do."),
    "task list": Command("task.list:list_tasks", "List the tasks of the workspace, the newest last."),
    "task show": Command("task.show:show", "Show a task: state, steps, subtasks, document."),
    "task log": Command("task.log:log", "Show the history of a task."),
    "task calls": Command("task.calls:calls", "Show the calls to models and other systems."),
    "task watch": Command("task.watch:watch", "Watch a task that another process runs."),
    "task wait": Command("task.watch:wait", "Wait until a task of another process is at rest."),
    "task why": Command("task.why:explain", "Explain why a step fired, or why it did not."),
    "task blame": Command("task.blame:trace", "Show where a value comes from, back to the payload."),
    "task graph": Command("task.graph:draw", "Draw which step caused which, and by which field."),
    "task report": Command("task.report:report", "Write a task as a page: timeline, graph, documents, cost."),
    "task replay": Command("task.replay:replay", "Run today's steps on the recorded answers, and compare."),
    "task rerun": Command("task.rerun:rerun", "Run a copy of a task again, and pay only for what changed."),
    "task resume": Command("task.resume:resume", "Continue an interrupted, stopped, paused or failed task."),
    "task answer": Command("task.answer:answer", "Answer a question of a task, and run the task."),
    "task settle": Command("task.settle:settle", "Say how a call of unknown outcome ended."),
    "task set": Command("task.set:set_values", "Write into the document of a task, and run the task."),
    "task redo": Command("task.redo:redo", "Fire a step once more, as soon as its condition holds."),
    "task clone": Command("task.clone:clone", "Make a new task from the document of another, and run it."),
    "task stop": Command("task.stop:stop", "Stop a task and its subtasks."),
    "task record-test": Command("task.record_test:record_test", "Make a case for aloma test from a task that ran."),
    "task export": Command("task.export:export", "Write the whole record of a task into one file."),
    "task import": Command("task.export:import_", "Put an exported task into this workspace."),
    "task gc": Command("task.gc:gc", "Delete the records of old tasks and their subtasks."),
    "step list": Command("step.list:list_steps", "List the steps, in the order in which they start."),
    "step new": Command("step.new:new", "Write the file of a new step."),
    "step run": Command("step.run:run", "Run one step alone, and show what it would change."),
    "step check": Command("step.check:check_steps", "Find mistakes in the steps without running them."),
    "step show": Command("step.show:show", "Show a step: condition, parameters, options, file."),
    "trigger list": Command("trigger.list:list_triggers", "List the triggers of aloma.yaml."),
    "trigger test": Command("trigger.test:try_trigger", "Show the task that a trigger would create."),
    "secret set": Command("secret.set:set_value", "Store a secret for this workspace."),
    "secret list": Command("secret.list:list_secrets", "List the secrets by name, never a value."),
    "secret delete": Command("secret.delete:delete", "Delete a secret of this workspace."),
}

MORE = {
    "": {
        "Options": ("--version", "--verbose", "--install-completion", "--show-completion"),
        "Watch": ("top", "web", "usage", "report"),
        "Others": ("config", "secret", "trigger"),
    },
    "task": {
        "Explain": ("why", "blame", "graph", "calls", "report"),
        "Repeat": ("replay", "rerun", "clone", "redo", "record-test"),
        "Others": ("watch", "wait", "settle", "export", "import", "gc"),
    },
}
"""For a group of many commands, those of which the first screen of its help says only the names."""

_SYNONYMS = {
    "run": "new",
    "create": "new",
    "start": "new resume",
    "status": "list",
    "ps": "list",
    "add": "set",
    "edit": "set",
    "update": "set",
    "put": "set",
    "reply": "answer",
    "approve": "answer",
    "abort": "stop",
    "end": "stop",
    "copy": "clone",
    "cp": "clone",
    "fork": "clone",
    "follow": "watch",
    "tail": "watch",
    "attach": "watch",
    "dump": "export",
    "backup": "export",
    "load": "import",
    "restore": "import",
    "explain": "why",
    "trace": "blame",
    "validate": "check",
    "lint": "check",
    "cost": "usage",
    "settings": "config",
    "serve": "worker",
    "ui": "web",
    "dashboard": "web",
    "daemon": "worker",
    "man": "help",
    "docs": "help",
    "topics": "help",
    "rm": "gc delete",
    "delete": "gc",
    "remove": "gc delete",
    "cancel": "stop",
    "kill": "stop",
    "retry": "resume",
    "continue": "resume",
    "view": "show",
    "get": "show list",
    "inspect": "show",
    "history": "log",
    "logs": "log",
    "ls": "list",
}
"""Words that other programs use, and ours for the same."""


def name_in(words: Sequence[str]) -> str:
    """The name of the command that `words` begin with, or ""."""
    return next((name for name in (" ".join(words[:2]), *words[:1]) if name in COMMANDS), "")


def find(words: Sequence[str]) -> tuple[Command, Sequence[str]] | None:
    """The command that `words` begin with, and the words after its name; None for help and for options.

    Raises InputError for an unknown word.
    """
    name = name_in(words)
    if name:
        return COMMANDS[name], words[len(name.split()) :]
    rest = words[1:] if words and words[0] in GROUPS else words
    if not rest or rest[0].startswith("-"):
        return None
    raise InputError(f"unknown command {' '.join(words[:2] if rest is not words else words[:1])!r}", hint=_meant(words))


def _meant(words: Sequence[str]) -> str:
    from difflib import get_close_matches

    if words[0] == "version":
        return "run `aloma --version`"
    group, word = words[:2] if words[0] in GROUPS else ("task", words[0])
    alone = [name for name in COMMANDS if " " not in name]
    wanted = (word, *_SYNONYMS.get(word, "").split())
    for name in wanted:
        if f"{group} {name}" in COMMANDS:
            return f"run `aloma {group} {name}`"
    elsewhere = [command for command in COMMANDS if command.split()[-1] in wanted]
    if elsewhere:
        return f"run `aloma {elsewhere[0]}`"
    if word == words[0] and (near := get_close_matches(word, [*GROUPS, *alone], 1)):
        return f"did you mean `aloma {near[0]}`?"
    names = [command.split()[1] for command in COMMANDS if command.startswith(f"{group} ")]
    near = get_close_matches(word, names, 1)
    return f"did you mean `aloma {group} {near[0]}`?" if near else f"run `aloma {group} --help`"
