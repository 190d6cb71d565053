"""`python -IS warm_client.py ADDRESS WORD…` runs `aloma WORD…` in a process that a warm interpreter forks.

It passes its streams and signals on, and ends as that process ends. It imports only modules that are built into the
interpreter, so that it starts in a few milliseconds.
"""

import _signal  # type: ignore[import-not-found]
import _socket
import _struct
import marshal
import os
import sys


def main(address: str, words: list[str]) -> None:
    child = 0
    if None not in (sys.stdin, sys.stdout, sys.stderr):  # as where one of them is closed
        told = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        told.connect(address)
        text = marshal.dumps((words, os.getcwd(), dict(os.environ)))  # noqa: PTH109  (pathlib takes long to import)
        told.sendmsg([text], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, _struct.pack("3i", 0, 1, 2))])
        child = number(told)
    if not child:
        os.execv(sys.executable, [sys.executable, "-m", "aloma_cli", *words])  # noqa: S606  (it is ours)
    for signal in (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM):
        _signal.signal(signal, lambda signal, _: os.kill(child, signal))
    end_as(number(told))


def number(told: _socket.socket) -> int:
    found: int = _struct.unpack("i", told.recv(4))[0]
    return found


def end_as(status: int) -> None:
    signal = os.WTERMSIG(status)
    if signal:
        if signal != _signal.SIGKILL:
            _signal.signal(signal, _signal.SIG_DFL)
        os.kill(os.getpid(), signal)
    os._exit(os.WEXITSTATUS(status))


main(sys.argv[1], sys.argv[2:])
