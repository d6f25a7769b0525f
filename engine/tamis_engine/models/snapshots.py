"""Models' files from the Hugging Face hub, in its own cache: fetched once, verified, pinned, and never deleted."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from tamis_engine.errors import ModelInvalid, ModelUnavailable
from tamis_engine.models.refusals import in_sentences

OnBytes = Callable[[int, int], object]
"""How many bytes are there, of how many."""

TEXTS = ("*.json", "*.txt", "*.model", "*.metadata", "*.jinja", "LICENSE*")
"""Configs, tokenizers, and what a licence asks to keep."""
WEIGHTS = "*.safetensors"
OLD_WEIGHTS = "pytorch_model*.bin"
HEADS = ("colbert_linear.pt", "sparse_linear.pt")
OTHER_FORMATS = frozenset({"coreml", "flax", "gguf", "onnx", "openvino", "original", "runs", "tf"})
"""Folders with the same weights once more, or with records of training."""

HEADROOM_BYTES = 256 * 2**20
"""Left free on the disk."""
PIN = "tamis"
"""The name under `refs` in the hub's cache that holds the commit that is used: it goes when the cache does."""
PIN_OF_TEXTS = "tamis-texts"


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a repository. `sha256` is known of large files, `git` (a blob's hash) of all others."""

    path: str
    size: int
    sha256: str = ""
    git: str = ""


@dataclass(frozen=True, slots=True)
class Hub:
    """Where models come from. Left out, `endpoint` and `cache` are what HF_ENDPOINT and HF_HOME said when
    huggingface_hub was first imported; so a process that serves others is started with their environment."""

    endpoint: str | None = None
    cache: Path | None = None

    def on_disk(self, repo: str, revision: str | None, texts_only: bool = False) -> Path | None:
        """The snapshot that a use of the model would read, if all of it is there; needs no network."""
        pinned = self._pinned(repo, texts_only)
        if not pinned or (revision and pinned != revision):
            return None
        snapshot = self._repo_folder(repo) / "snapshots" / pinned
        return snapshot if _is_whole(snapshot) else None

    def fetch(self, repo: str, revision: str | None, on_bytes: OnBytes, texts_only: bool = False) -> Path:
        """The snapshot of `revision`; where that is None of the commit that was used first, for ever after.

        `texts_only` leaves out the weights. Raises `ModelNotFound`, `ModelUnavailable` or `ModelInvalid`.
        """
        if found := self.on_disk(repo, revision, texts_only):
            return found
        wanted = revision or self._pinned(repo, texts_only) or None
        import httpx2  # late, as all that belongs to the hub

        with in_sentences(repo):
            try:
                commit, parts = self._listed(repo, wanted, texts_only)
            except (OSError, httpx2.HTTPError):
                # no network, or none is wanted: another program may have fetched all of it before
                if found := self._left_by_others(repo, wanted, texts_only):
                    return found
                raise
            if not parts:
                raise ModelInvalid(repo, "its repository holds no files of a model that Tamis reads.")
            self._check_room(repo, commit, parts)
            snapshot = self._download(repo, commit, parts, on_bytes)
            _verify(repo, snapshot, parts)
            self._pin(repo, commit, texts_only)
            return snapshot

    def _listed(self, repo: str, revision: str | None, texts_only: bool) -> tuple[str, list[Part]]:
        from huggingface_hub import HfApi, constants  # late: 0.1 s

        info = HfApi(endpoint=self.endpoint).model_info(
            repo, revision=revision, files_metadata=True, timeout=constants.HF_HUB_ETAG_TIMEOUT
        )
        siblings = info.siblings or []
        names = set(wanted((sibling.rfilename for sibling in siblings), texts_only))
        return str(info.sha), [_part(sibling) for sibling in siblings if sibling.rfilename in names]

    def _download(self, repo: str, commit: str, parts: list[Part], on_bytes: OnBytes) -> Path:
        from huggingface_hub import snapshot_download

        found = snapshot_download(
            repo,
            revision=commit,
            cache_dir=self._cache(),
            endpoint=self.endpoint,
            allow_patterns=[_literally(part.path) for part in parts],
            tqdm_class=_reporting(on_bytes, sum(part.size for part in parts)),
        )
        return Path(found)

    def _left_by_others(self, repo: str, revision: str | None, texts_only: bool) -> Path | None:
        commit = revision or _read(self._repo_folder(repo) / "refs" / "main")
        snapshot = self._repo_folder(repo) / "snapshots" / commit
        if not commit or not snapshot.is_dir():
            return None
        expected = self._expected_in(repo, commit, texts_only)
        if expected is not None:
            return snapshot if all((snapshot / name).is_file() for name in expected) else None
        there = [path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()]
        return snapshot if wanted(there, texts_only) and (texts_only or _has_weights(there)) else None

    def _expected_in(self, repo: str, commit: str, texts_only: bool) -> list[str] | None:
        """The files that a download which was begun here would have; None where there is no list of them."""
        from huggingface_hub import get_cached_repo_tree
        from huggingface_hub.errors import CachedRepoTreeNotFoundError

        try:
            tree = get_cached_repo_tree(repo, revision=commit, cache_dir=self._cache())
        except CachedRepoTreeNotFoundError:
            return None
        return wanted((file.path for file in tree), texts_only)

    def _check_room(self, repo: str, commit: str, parts: list[Part]) -> None:
        snapshot = self._repo_folder(repo) / "snapshots" / commit
        missing = sum(part.size for part in parts if not (snapshot / part.path).exists())
        there = next(path for path in (self._cache(), *self._cache().parents) if path.exists())
        free = shutil.disk_usage(there).free
        if missing and missing + HEADROOM_BYTES > free:
            raise ModelUnavailable(
                repo,
                f"its files take {missing / 1e9:.1f} GB, and {there} has {free / 1e9:.1f} GB free. "
                "Make room, or set HF_HOME to a folder on another disk.",
            )

    def _pinned(self, repo: str, texts_only: bool) -> str:
        refs = self._repo_folder(repo) / "refs"
        return _read(refs / PIN) or (_read(refs / PIN_OF_TEXTS) if texts_only else "")

    def _pin(self, repo: str, commit: str, texts_only: bool) -> None:
        pin = self._repo_folder(repo) / "refs" / (PIN_OF_TEXTS if texts_only else PIN)
        pin.parent.mkdir(parents=True, exist_ok=True)
        new = pin.with_name(f"{pin.name}.{commit[:12]}.new")
        new.write_text(commit, encoding="ascii")
        new.replace(pin)

    def _repo_folder(self, repo: str) -> Path:
        return self._cache() / f"models--{repo.replace('/', '--')}"

    def _cache(self) -> Path:
        if self.cache:
            return self.cache
        from huggingface_hub import constants

        return Path(constants.HF_HUB_CACHE)


def wanted(names: Iterable[str], texts_only: bool = False) -> list[str]:
    """The files of a repository that Tamis reads: never code, and one format of weights for each folder."""
    listed = [name for name in names if not OTHER_FORMATS & set(PurePosixPath(name).parts[:-1])]
    texts = [name for name in listed if any(fnmatch(PurePosixPath(name).name, pattern) for pattern in TEXTS)]
    if texts_only:
        return texts
    tensors = [name for name in listed if fnmatch(name, WEIGHTS)]
    covered = {PurePosixPath(name).parent for name in tensors}
    old = [name for name in listed if fnmatch(PurePosixPath(name).name, OLD_WEIGHTS)]
    heads = [name for name in listed if name in HEADS]
    return [*texts, *tensors, *(name for name in old if PurePosixPath(name).parent not in covered), *heads]


def _has_weights(names: Iterable[str]) -> bool:
    return any(PurePosixPath(name).suffix in (".safetensors", ".bin") for name in names)


def _part(sibling: Any) -> Part:
    sha256 = str(sibling.lfs.sha256) if sibling.lfs else ""
    return Part(sibling.rfilename, int(sibling.size or 0), sha256, str(sibling.blob_id or ""))


def _literally(name: str) -> str:
    """As a pattern that fits nothing but `name`."""
    return name.replace("[", "[[]")


def _verify(repo: str, snapshot: Path, parts: Iterable[Part]) -> None:
    for part in parts:
        path = snapshot / part.path
        if not _is_as_published(path, part):
            raise ModelUnavailable(
                repo, f"{part.path} is not what the hub published. Delete {path.resolve()} and try again."
            )


def _is_as_published(path: Path, part: Part) -> bool:
    if part.sha256:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == part.sha256
    if not part.git:
        return path.stat().st_size == part.size
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest() == part.git


def _is_whole(snapshot: Path) -> bool:
    """Its files are links, whose targets others may have removed to make room."""
    return snapshot.is_dir() and all(path.exists() for path in snapshot.rglob("*"))


def _read(ref: Path) -> str:
    try:
        return ref.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _reporting(on_bytes: OnBytes, total: int) -> type[Any]:
    """A progress bar that draws nothing and tells `on_bytes` how far the files on the disk have come."""
    from tqdm.std import tqdm

    class Bar(tqdm):  # type: ignore[type-arg]
        done = 0

        def __init__(self, *args: Any, **options: Mapping[str, Any]) -> None:
            # The hub draws one bar for what comes in and one for what is written, which counts what was there before.
            self._counts = str(options.get("desc", "")).startswith("Reconstructing")
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            if self._counts:
                self.done += int(n or 0)
                on_bytes(min(self.done, total), total)

    return Bar
