"""Every model that there is: the embedded one, the catalogue's, local folders, and any other on the hub."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tamis_engine import embedded
from tamis_engine.errors import ModelInvalid
from tamis_engine.models import catalogue
from tamis_engine.models.refusals import is_folder, not_found
from tamis_engine.models.snapshots import Hub
from tamis_engine.protocol import Loading, ModelStatus, OnProgress

if TYPE_CHECKING:
    from tamis_engine.models.catalogue import Entry
    from tamis_engine.models.spec import Spec

REPO = re.compile(r"[\w.-]+/[\w.-]+")


class Registry:
    """Finds models by name: an id or alias of the catalogue, a repository on the hub, or a folder (absolute or ~/)."""

    def __init__(self, hub: Hub | None = None) -> None:
        self.hub = hub or Hub()

    def known(self) -> tuple[str, ...]:
        """The embedded model first, then the catalogue."""
        return (embedded.NAME, *(entry.id for entry in catalogue.catalogue().models))

    def canonical(self, name: str) -> str:
        """The one name of a model that has several."""
        if name.lower() in embedded.NAMES:
            return embedded.NAME
        if is_folder(name):
            return os.path.abspath(Path(name).expanduser())  # noqa: PTH100 -- links stay: they may name the snapshot
        entry = catalogue.find(name)
        return entry.id if entry else name

    def facts(self, name: str) -> ModelStatus:
        """What is known without a network and without loading. Raises `ModelNotFound` where no model can be meant."""
        name = self.canonical(name)
        if name == embedded.NAME:
            return embedded.status("absent", embedded.FOOTPRINT_BYTES)
        folder = self._folder(name)
        entry = catalogue.find(name)
        if entry:
            return _facts_of(entry, on_disk=folder is not None)
        unknown = ModelStatus(name, "absent", 0, 0, 0, "", abilities=(), on_disk=folder is not None)
        if folder is None:
            return unknown
        try:
            return _facts_in(self._resolved(name, folder))
        except ModelInvalid:
            return unknown

    def spec(self, name: str, on_progress: OnProgress) -> Spec:
        """All about a model, downloaded first where need be; blocks. Any thread.

        Raises `ModelNotFound`, `ModelUnavailable` or `ModelInvalid`.
        """
        name = self.canonical(name)
        if name == embedded.NAME:
            return embedded.spec()
        entry = catalogue.find(name)
        on_bytes = partial(_tell, on_progress, name)
        folder = self._folder(name) or self.hub.fetch(_repo(name, entry), _revision(entry), on_bytes)
        return self._resolved(name, folder, on_bytes)

    def _folder(self, name: str) -> Path | None:
        """Where its files lie, if they are on this machine."""
        if is_folder(name):
            if not (folder := Path(name)).is_dir():
                raise not_found(name)
            return folder
        entry = catalogue.find(name)
        if entry is None and not REPO.fullmatch(name):
            raise not_found(name)
        return self.hub.on_disk(_repo(name, entry), _revision(entry))

    def _resolved(self, name: str, folder: Path, on_bytes: partial[None] | None = None) -> Spec:
        """Without `on_bytes` nothing is fetched."""
        from tamis_engine.models.resolution import base_repo, resolve  # late: most that ask for facts need none of it

        entry = catalogue.find(name)
        repo = (entry.overrides.base if entry else "") or base_repo(name, folder)
        if repo.lower() in embedded.NAMES:
            return resolve(name, folder, entry, embedded.FOLDER)
        if repo and not REPO.fullmatch(repo):
            raise ModelInvalid(name, f"its files name {repo!r} as the model that it is made from, which is on no hub.")
        base = self.hub.on_disk(repo, None, texts_only=True) if repo else None
        if repo and not base and on_bytes:
            base = self.hub.fetch(repo, None, on_bytes, texts_only=True)
        return resolve(name, folder, entry, base)


def _repo(name: str, entry: Entry | None) -> str:
    return entry.hub if entry else name


def _revision(entry: Entry | None) -> str | None:
    return entry.revision if entry else None


def _tell(on_progress: OnProgress, name: str, done: int, total: int) -> None:
    on_progress(Loading(name, "downloading", done, total))


def _facts_of(entry: Entry, on_disk: bool) -> ModelStatus:
    return ModelStatus(
        entry.id,
        "absent",
        entry.dimensions,
        entry.max_tokens,
        entry.expected_bytes,
        entry.licence,
        entry.abilities,
        on_disk,
        what_for=entry.what_for,
    )


def _facts_in(spec: Spec) -> ModelStatus:
    return ModelStatus(
        spec.name,
        "absent",
        spec.dimensions,
        spec.text.max_tokens,
        spec.footprint_bytes,
        spec.licence,
        tuple(spec.outputs),
    )
