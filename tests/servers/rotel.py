"""Rotel: a collector of OpenTelemetry of somebody else's. It logs what it takes from OTLP requests."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.servers.process import free_port, missing, running

_FIELD = re.compile(r"    (Trace ID|Parent ID|ID|Name|Status code) *: (.*)")
_ATTRIBUTE = re.compile(r" *-> (\S+): (Str|Int|Double|Bool|Slice)\((.*)\)")
_VALUES: dict[str, Callable[[str], Any]] = {
    "Str": str,
    "Int": int,
    "Double": float,
    "Bool": lambda text: text == "true",
    "Slice": str,
}


@dataclass
class Received:
    """A span as the collector read it. `parent`: "" for the first of a trace."""

    fields: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.fields["Name"]

    @property
    def trace(self) -> str:
        return self.fields["Trace ID"]

    @property
    def id(self) -> str:
        return self.fields["ID"]

    @property
    def parent(self) -> str:
        return self.fields["Parent ID"]


@dataclass(frozen=True)
class Rotel:
    """`url`: what `--otlp` wants. `log`: what it wrote."""

    url: str
    log: Path

    @property
    def text(self) -> str:
        """All that it took."""
        return self.log.read_text(encoding="utf-8")

    @property
    def spans(self) -> list[Received]:
        """The spans that it took, in their order. It writes them within a tenth of a second."""
        spans: list[Received] = []
        for line in self.text.splitlines():
            if line.startswith("Span #"):
                spans.append(Received())
            elif spans and (found := _FIELD.fullmatch(line)):
                spans[-1].fields[found[1]] = found[2]
            elif spans and (found := _ATTRIBUTE.fullmatch(line)):
                spans[-1].attributes[found[1]] = _VALUES[found[2]](found[3])
        return spans


@pytest.fixture
def rotel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotel]:
    """The collector, which has taken nothing yet."""
    package = find_spec("rotel")
    if package is None or package.origin is None:
        missing("rotel")
    assert package is not None
    folder = tmp_path_factory.mktemp("rotel")
    grpc, http = (f"127.0.0.1:{free_port()}" for _ in range(2))
    logged = ("--debug-log", "traces", "--debug-log-verbosity", "detailed", "--batch-timeout", "50ms")
    files = ("--pid-file", str(folder / "pid"), "--log-file", str(folder / "other.log"))
    ports = ("--otlp-grpc-endpoint", grpc, "--otlp-http-endpoint", http, "--exporter", "blackhole")
    command = [str(Path(str(package.origin)).with_name("rotel-agent")), "start", *logged, *files, *ports]
    # It is linked to the library of Python, which may be with the one that runs this.
    libraries = {"LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))}
    with running(command, f"http://{http}/", folder / "log", libraries):
        yield Rotel(f"http://{http}", folder / "log")
