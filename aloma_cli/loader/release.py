"""The version of a workspace's code: the `release` in aloma.yaml, or a fingerprint of its files."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from aloma_cli.loader.languages import code_below
from aloma_cli.loader.layout import CODE_FOLDERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from aloma_cli.content.step import Step
    from aloma_cli.loader.config import Config


def release_of(config: Config, root: Path | None, steps: Iterable[Step] = ()) -> str:
    """The name of this version; a fingerprint changes with each file of steps, libraries and connectors.

    Without a folder `root`, it is made of the `steps`.
    """
    if config.release is not None:
        return config.release
    digest = blake2b(digest_size=6)
    for part in map(_of_step, steps) if root is None else _files(root):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _of_step(step: Step) -> bytes:
    return f"{step.name} {step.condition.fingerprint} {step.content.fingerprint}".encode()


def _files(root: Path) -> Iterator[bytes]:
    for path in code_below(root, CODE_FOLDERS):
        yield path.relative_to(root).as_posix().encode()
        yield path.read_bytes()
