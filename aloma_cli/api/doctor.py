"""What keeps a workspace from running: its files, its secrets, its model servers."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from aloma_cli.api.waiting import waiting
from aloma_cli.clock import Clock
from aloma_cli.connectors.check_result import CheckResult
from aloma_cli.connectors.honours import Honours
from aloma_cli.connectors.providers.router import targets
from aloma_cli.connectors.providers.table import PROVIDERS
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import AlomaError, CredentialsError, did_you_mean
from aloma_cli.loader.config import Config
from aloma_cli.loader.languages import code_below
from aloma_cli.loader.layout import LIBRARIES_FOLDER, STEPS_FOLDER
from aloma_cli.loader.models import ModelChoice, configured_servers, resolve_models
from aloma_cli.loader.place import store_at
from aloma_cli.loader.release import release_of
from aloma_cli.loader.sources import ModelFlags
from aloma_cli.loader.workspace import LoadedWorkspace
from aloma_cli.store.open import open_store
from aloma_cli.values import dataclass
from aloma_cli.view.format import plural

_FIRST = (
    "run `export OPENAI_API_KEY=…` for OpenAI, or write a server into aloma.yaml, such as `providers: {ollama: {}}`, "
    "and the model that your steps use there: `models: {default: ollama/qwen3}`"
)
_MODEL = re.compile(r"""\bmodel\s*=\s*(["'])([^"'\n]+)\1""")


@dataclass(frozen=True)
class Doctor:
    """The checks of a workspace, or of the user's own settings where there is none.

    `honours`: the file that remembers what servers honour.
    """

    loaded: LoadedWorkspace | None
    user_config: Config
    flags: ModelFlags
    environ: Mapping[str, str]
    clock: Clock
    honours: Path

    def workspace(self) -> Iterator[CheckResult]:
        """The findings about the files and secrets of the workspace."""
        if self.loaded is None:
            yield CheckResult(
                "workspace", "warning", "there is no workspace here", "run `aloma init`, or use `-w PATH`"
            )
            return
        file = self.loaded.config.file
        there = self.loaded.root is not None and (self.loaded.root / file).exists()
        yield CheckResult("settings", "ok", f"{file} is valid" if there else f"there is no {file}, which is optional")
        for error in self.loaded.broken:
            yield CheckResult("steps", "failed", str(error), error.hint)
        if not self.loaded.broken:
            yield CheckResult("steps", "ok", f"{plural(len(self.loaded.steps), 'step')} loaded")
        missing = [name for name in self.loaded.config.secrets if not self.loaded.environment(name, None)]
        for name in missing:
            yield CheckResult("secrets", "failed", f"{name} has no value", f"run `aloma secret set {name}`")
        if self.loaded.config.secrets and not missing:
            yield CheckResult("secrets", "ok", "all have a value")

    def store(self) -> Iterator[CheckResult]:
        """The findings about the store of the tasks, unless it is the folder of the workspace."""
        if self.loaded is None or self.loaded.root is None:
            return
        try:
            where = store_at(self.loaded.root, self.environ, self.loaded.config)
            if isinstance(where, Path):
                return
            release = partial(release_of, self.loaded.config, self.loaded.root)
            late = [*waiting(open_store(where), release, self.clock.now())]
        except AlomaError as error:
            yield CheckResult("store", "failed", str(error), error.hint)
            return
        yield CheckResult("store", "ok", "the store can be reached")
        for says in late:
            cure = "start a worker with that version, or run `aloma worker --any-release`"
            yield CheckResult("queue", "warning", says, cure if "version" in says else "run `aloma worker`")

    def mcp(self) -> Iterator[CheckResult]:
        """The findings about the programs of the MCP servers, before any is started."""
        servers, root = (self.loaded.config.mcp, self.loaded.root) if self.loaded else ((), None)
        for server in servers:
            path = server.environment.get("PATH", self.environ.get("PATH"))
            if server.command and not _is_program(server.command[0], root or Path(), path):
                says = f"the MCP server `{server.name}` is the program `{server.command[0]}`, which does not exist"
                yield CheckResult(
                    "mcp", "failed", says, f"install it, or fix `mcp.{server.name}.command` in aloma.yaml"
                )

    def models(self) -> Iterator[CheckResult]:
        """The findings about the choice of a server, before any is called."""
        choice = self._model_choice
        if isinstance(choice, AlomaError):
            about = "key" if isinstance(choice, CredentialsError) else "models"
            yield CheckResult(about, "failed", str(choice), choice.hint)
        elif choice.settings.offline:
            says = choice.notice or "answers are simulated"
            yield CheckResult("models", "warning", says.partition(";")[0], None if self.servers else _FIRST)

        elif self.servers:
            yield from self._misspelt(choice.settings)

    def _misspelt(self, settings: ModelSettings) -> Iterator[CheckResult]:
        names = {*settings.models.values(), *(one for others in settings.fallbacks.values() for one in others)}
        for name in sorted(names):
            server, slash, _ = name.partition("/")
            near = did_you_mean(server, settings.servers) if slash and server not in settings.servers else None
            if near:
                says = f"`{name}` does not name a server, so it is sent to {_name_of(settings)} as it is"
                yield CheckResult("models", "warning", says, near)

    @property
    def is_offline(self) -> bool:
        """Whether a run would simulate its answers."""
        return isinstance(self._model_choice, ModelChoice) and self._model_choice.settings.offline

    @cached_property
    def servers(self) -> dict[str, ModelSettings]:
        """The servers by name; the one without a name by its provider, such as `openai`."""
        named = {} if self.flags.base_url else configured_servers(*self._sources, **self._extras)
        choice = self._model_choice
        if isinstance(choice, ModelChoice) and not choice.settings.offline:
            return {_name_of(choice.settings): choice.settings} | {
                name: one for name, one in named.items() if name != choice.settings.name
            }
        return named

    async def server(self, name: str, model: str | None = None) -> AsyncIterator[CheckResult]:
        """The findings about one server; `model`: the one to try."""
        settings = replace(self.servers[name], max_retries=0)
        provider = PROVIDERS[settings.provider]
        if provider.checkup is None:
            yield CheckResult("server", "warning", f"{provider.TITLE} has no check, so its server was not called")
            return
        honours = Honours(self.honours, self.clock.now)
        models = [model] if model else sorted(self._models_of(name))
        async for finding in provider.checkup(settings, models, honours, f"doctor-{self.clock.now():.3f}"):
            yield finding

    def _models_of(self, name: str) -> set[str]:
        """The models of a server that a run would use: those of aloma.yaml, and those that steps name."""
        if not isinstance(self._model_choice, ModelChoice):
            return set()
        settings = self._model_choice.settings
        own = _name_of(settings)
        asked = {*settings.models, *self._named_in_files} - ({"default"} - settings.models.keys())
        found = (target for one in asked for target in targets(settings, one))
        return {target.model for target in found if (target.server or own) == name}

    @property
    def _named_in_files(self) -> set[str]:
        root = self.loaded.root if self.loaded else None
        files = code_below(root, [STEPS_FOLDER, LIBRARIES_FOLDER]) if root else ()
        texts = (path.read_text(encoding="utf-8", errors="replace") for path in files)
        return {match[2] for text in texts for match in _MODEL.finditer(text)}

    @cached_property
    def _model_choice(self) -> ModelChoice | AlomaError:
        root = self.loaded.root if self.loaded else None
        try:
            return resolve_models(*self._sources, root, **self._extras)
        except AlomaError as error:
            return error

    @property
    def _sources(self) -> tuple[ModelFlags, Mapping[str, str], Config, Config]:
        return self.flags, self.environ, self.loaded.config if self.loaded else Config(), self.user_config

    @property
    def _extras(self) -> dict[str, Any]:
        return {"stored": self.loaded.stored if self.loaded else {}, "honours": lambda: self.honours}


def _name_of(settings: ModelSettings) -> str:
    return settings.name or settings.provider


def _is_program(word: str, root: Path, path: str | None) -> bool:
    """Whether a command can be started in the folder `root`: only a name without a folder is looked up in `path`."""
    return shutil.which(str(root / word) if "/" in word else word, path=path) is not None
