"""The version of a workspace's code: the `release` in aloma.yaml, or a fingerprint of its files."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from aloma_cli.loader.layout import CONNECTORS_FOLDER, LIBRARIES_FOLDER, STEPS_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aloma_cli.loader.workspace import LoadedWorkspace


def release_of(loaded: LoadedWorkspace) -> str:
    """The name of this version. A fingerprint changes with each file of steps, libraries and connectors."""
    if loaded.config.release is not None:
        return loaded.config.release
    digest = blake2b(digest_size=6)
    for part in _parts(loaded):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _parts(loaded: LoadedWorkspace) -> Iterator[bytes]:
    if loaded.root is None:
        for name, step in sorted(loaded.steps.items()):
            yield f"{name} {step.condition.fingerprint} {step.content.fingerprint}".encode()
        return
    for folder in (STEPS_FOLDER, LIBRARIES_FOLDER, CONNECTORS_FOLDER):
        for path in sorted((loaded.root / folder).rglob("*.py")):
            yield path.relative_to(loaded.root).as_posix().encode()
            yield path.read_bytes()
