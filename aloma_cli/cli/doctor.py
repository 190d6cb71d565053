"""`aloma doctor`"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from aloma_cli.api.doctor import Doctor
from aloma_cli.cli import option_groups, options
from aloma_cli.cli.exit_codes import DONE, ERRORS, REFUSED
from aloma_cli.cli.output import hide, put, put_json, put_wrapped
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.workspaces import load_workspace as load_workspace_to_run
from aloma_cli.clock import SystemClock
from aloma_cli.errors import AlomaError, CredentialsError, NotFoundError, WorkspaceError, did_you_mean
from aloma_cli.jsontext import JsonObject
from aloma_cli.loader.config_files import honours_path, read_user_config
from aloma_cli.loader.layout import find_workspace
from aloma_cli.loader.secrets import secret_values
from aloma_cli.loader.workspace import LoadedWorkspace, load_workspace
from aloma_cli.redact import Redactor
from aloma_cli.view.format import plural

if TYPE_CHECKING:
    from aloma_cli.connectors.check_result import CheckResult
    from aloma_cli.loader.config import Config
    from aloma_cli.loader.sources import ModelFlags

_SIGNS = {"ok": "ok", "warning": "!", "failed": "FAILED"}
_CODES = {
    "key": ERRORS[CredentialsError],
    "steps": ERRORS[WorkspaceError],
    "mcp": ERRORS[WorkspaceError],
    "secrets": ERRORS[CredentialsError],
    "triggers": ERRORS[WorkspaceError],
}


def doctor(
    models: option_groups.Models,
    server: Annotated[
        str | None, Argument("[PROVIDER]", "The name of one model server; default: all.", "provider")
    ] = None,
    as_json: Annotated[bool, Option(("--json",), "Print the findings as JSON.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma doctor
      aloma doctor local --model qwen3
      aloma doctor --base-url http://127.0.0.1:11434/v1 --model qwen3
      aloma doctor --json | jq '.findings[] | select(.state == "failed")'

    Checks the files, the secrets, the programs of MCP servers and the triggers of the
    workspace, then each model server: whether it can be reached, accepts the key and has the
    models that steps use. It tries with a few short calls what each model honours:
    schemas, tools, streaming. Which schemas it honours is remembered, so later calls
    begin with what works. Each problem comes with a cure. Exit codes: 0 nothing failed,
    3 invalid steps or settings, 4 a key or a secret is missing or refused, 1 anything
    else.
    """
    examined = _doctor(workspace, models)
    servers, report = _chosen_servers(examined, server), _Report(as_json=as_json)
    report.add("workspace", examined.workspace())
    report.add("store", examined.store())
    report.add("mcp", examined.mcp())
    report.add("triggers", _trigger_findings(workspace, examined.loaded))
    report.add("models", examined.models())
    asyncio.run(_check_servers(examined, report, servers, models.model))
    return report.end()


def _doctor(workspace: str | None, flags: ModelFlags) -> Doctor:
    user_config = read_user_config()
    hide(Redactor(secret_values(os.environ, [user_config], flags=flags)))
    loaded = _loaded(workspace, user_config, flags)
    return Doctor(loaded, user_config, flags, os.environ, SystemClock(), honours_path())


def _loaded(workspace: str | None, user_config: Config, flags: ModelFlags) -> LoadedWorkspace | None:
    """The workspace; None where there is none and none was named."""
    try:
        find_workspace(workspace, Path.cwd())
    except WorkspaceError:
        if workspace is not None:
            raise
        return None
    return load_workspace(workspace, Path.cwd(), os.environ, user_config=user_config, flags=flags, hide=hide)


def _trigger_findings(workspace: str | None, loaded: LoadedWorkspace | None) -> Iterator[CheckResult]:
    """What keeps a worker from starting: a schedule, a secret, an extra."""
    configs = loaded.config.triggers if loaded and not loaded.broken else ()
    if not configs:
        return
    from aloma_cli.connectors.check_result import CheckResult
    from aloma_cli.triggers.triggers import opened

    home, wrong = load_workspace_to_run(workspace), 0
    for config in configs:
        try:
            opened(home, config)
        except AlomaError as error:
            wrong += 1
            yield CheckResult("triggers", "failed", f"{config.name}: {error}", error.hint)
    if not wrong:
        yield CheckResult("triggers", "ok", f"{plural(len(configs), 'trigger')} ready")


def _chosen_servers(examined: Doctor, server: str | None) -> list[str]:
    if server is None:
        return [] if examined.is_offline else [*examined.servers]
    if server not in examined.servers:
        known = f"known servers: {', '.join(examined.servers)}" if examined.servers else "no server is set up"
        raise NotFoundError(
            f"there is no model server {server!r}", hint=did_you_mean(server, examined.servers) or known
        )
    return [server]


async def _check_servers(examined: Doctor, report: _Report, servers: Iterable[str], model: str | None) -> None:
    for name in servers:
        await report.follow(name, examined.server(name, model))


class _Report:
    """The findings, printed one by one for people, or all together as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._found: list[JsonObject] = []

    def add(self, about: str, findings: Iterable[CheckResult]) -> None:
        for finding in findings:
            self._add_check(about, finding)

    async def follow(self, about: str, findings: AsyncIterator[CheckResult]) -> None:
        async for finding in findings:
            self._add_check(about, finding)

    def end(self) -> int:
        """The exit code, after the JSON."""
        if self._as_json:
            put_json({"schema": 1, "findings": self._found})
        failed = [one["check"] for one in self._found if one["state"] == "failed"]
        codes = [_CODES.get(check, REFUSED) for check in failed]
        return max(codes, default=DONE)

    def _add_check(self, about: str, finding: CheckResult) -> None:
        if not self._as_json:
            if not self._found or self._found[-1]["about"] != about:
                put(about)
            put_wrapped(f"  {_SIGNS[finding.state]:6} {finding.check}: {finding.says}")
            if finding.cure:
                put_wrapped(f"         → {finding.cure}")
            sys.stdout.flush()
        self._found.append({"about": about, **finding._asdict()})
