"""Commands in processes of their own that start in a few milliseconds: a warm interpreter forks itself for each.

`Warm` is such an interpreter, `Started` a `subprocess.Popen` of a process that it has forked. The process is a real
one: it has its own streams, environment and folder, gets signals, and runs the program as `python -m aloma_cli` does.
Only its imports are done. `python -m tests.support.warm` is the interpreter, `warm_client.py` a command in a shell.
"""

from __future__ import annotations

import contextlib
import gc
import io
import marshal
import os
import runpy
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOM = 1 << 18
"""More bytes than a command and its environment have."""

OPTIONS = {"stdin", "stdout", "stderr", "cwd", "env"}
"""What may be said of a process that is forked."""

CLIENT = Path(__file__).with_name("warm_client.py")


class Warm:
    """A context with a warm interpreter that has this environment; it starts when it is first needed."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="aloma-warm-"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.communicate()
        shutil.rmtree(self._folder)

    @property
    def command(self) -> list[str]:
        """The words that begin a command in a shell."""
        return [sys.executable, "-IS", str(CLIENT), self._address]

    def serves(self, options: Mapping[str, Any]) -> bool:
        """Whether a process with these options of `subprocess.Popen` is like one that was started cold."""
        return options.keys() <= OPTIONS and _of_python(options.get("env") or os.environ) == _of_python(self.environ)

    def fork(self, arguments: list[str], cwd: str, environ: Mapping[str, str], streams: list[int]) -> Forked:
        """A process that runs a command."""
        told = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        told.connect(self._address)
        socket.send_fds(told, [marshal.dumps((arguments, cwd, dict(environ)))], streams)
        return Forked(told)

    @property
    def _address(self) -> str:
        address = str(self._folder / "socket")
        if self._process is None:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
                listener.bind(address)
                listener.listen()
                command = [sys.executable, "-m", "tests.support.warm", str(listener.fileno())]
                here, descriptors = Path(__file__).parents[2], [listener.fileno()]
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, pass_fds=descriptors, cwd=here, env=self.environ
                )
        return address


class Forked:
    """What the interpreter tells of a process that it has forked."""

    def __init__(self, told: socket.socket) -> None:
        self._told = told
        self.pid = self._next()

    def status(self, *, wait: bool) -> int | None:
        """How it ended, as `os.waitpid` tells it; None if it runs."""
        self._told.setblocking(wait)
        try:
            status = self._next()
        except BlockingIOError:
            return None
        self._told.close()
        return status

    def _next(self) -> int:
        number: int = struct.unpack("i", self._told.recv(4))[0]
        return number


class Started(subprocess.Popen[str]):
    """A process that was forked by a warm interpreter."""

    def __init__(self, warm: Warm, arguments: list[str], **options: Any) -> None:
        self._warm = warm
        super().__init__(arguments, **options)

    def _execute_child(  # what `subprocess.Popen` calls to start a process
        self,
        args: list[str],
        executable: object,
        preexec_fn: object,
        close_fds: object,
        pass_fds: object,
        cwd: Path,
        env: Mapping[str, str] | None,
        startupinfo: object,
        creationflags: object,
        shell: object,
        p2cread: int,
        p2cwrite: int,
        c2pread: int,
        c2pwrite: int,
        errread: int,
        errwrite: int,
        *_: object,
    ) -> None:
        del args[:3]  # the interpreter, which is warm already
        streams = [own if given == -1 else given for own, given in enumerate((p2cread, c2pwrite, errwrite))]
        self._forked = self._warm.fork(args, str(cwd), os.environ if env is None else env, streams)
        self.pid = self._forked.pid
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]

    def _internal_poll(self, *_: object, **__: object) -> int | None:
        lock = self._waitpid_lock  # type: ignore[attr-defined]
        if self.returncode is None and lock.acquire(blocking=False):
            try:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                lock.release()
        return self.returncode

    def _try_wait(self, flags: int) -> tuple[int, int]:
        status = self._forked.status(wait=not flags)
        return (0, 0) if status is None else (self.pid, status)


def _of_python(environ: Mapping[str, str]) -> dict[str, str]:
    """What an interpreter reads only when it starts."""
    return {name: value for name, value in environ.items() if name.startswith(("PYTHON", "LC_", "LANG", "TEXTUAL"))}


# -- in the warm interpreter -------------------------------------------------------------------------------------------


def serve(listener: socket.socket) -> list[str] | None:
    """Fork for each command that is asked for. Gives the words of the command in the child, None at the end."""
    running: dict[int, tuple[int, socket.socket]] = {}
    asked = listener.fileno()
    while True:
        for ready in select.select([0, asked, *running], [], [])[0]:
            if ready == 0:
                return None
            if ready != asked:
                tell_the_end(ready, *running.pop(ready))
            elif (words := answer(listener.accept()[0], running)) is not None:
                listener.close()
                return words


def answer(told: socket.socket, running: dict[int, tuple[int, socket.socket]]) -> list[str] | None:
    """Fork for one command; gives its words in the child. `running`: the child and its client by descriptor."""
    text, streams, _, _ = socket.recv_fds(told, ROOM, 3)
    arguments, folder, environ = marshal.loads(text)  # noqa: S302  (it is ours)
    if _of_python(environ) != _of_python(os.environ):
        child = 0
    elif child := os.fork():
        running[os.pidfd_open(child)] = child, told
    else:
        told.close()
        for descriptor, (_, client) in running.items():
            os.close(descriptor)
            client.close()
        become(folder, environ, streams)
        return list(arguments)
    for stream in streams:
        os.close(stream)
    told.send(struct.pack("i", child))
    if not child:
        told.close()
    return None


def tell_the_end(descriptor: int, child: int, told: socket.socket) -> None:
    os.close(descriptor)
    _, status = os.waitpid(child, 0)
    with told, contextlib.suppress(BrokenPipeError):  # the client may be gone
        told.send(struct.pack("i", status))


def become(folder: str, environ: dict[str, str], streams: list[int]) -> None:
    """Take the folder, the environment and the streams of a command."""
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    os.chdir(folder)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]


def warm_up() -> None:
    """Import what a run imports, by running something."""
    from aloma_cli.cli.main import main

    step = 'condition = {"name": str, "done": None}\n\n\nasync def content(data):\n    data["done"] = True\n'
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        Path("steps").mkdir()
        Path("steps/a.py").write_text(step)
        for words in ('new T -d {"name":"Ada"}', "list", "show", "log", "why @last a"):
            main(["task", *words.split()])
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    warm_up()
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        words = serve(listener)
    if words is not None:
        sys.argv[1:] = words
        runpy._run_module_as_main("aloma_cli")  # type: ignore[attr-defined]  # what `python -m` does
