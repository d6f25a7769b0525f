"""What an agent may have meant: existing names and globs close to one that leads nowhere."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tamis_tools.errors import BadArgument, OutsideRoots
from tamis_tools.sources.containment import Inside, address_of, anchor, contain
from tamis_tools.sources.credentials import named_like_a_secret
from tamis_tools.sources.globs import globs, is_glob
from tamis_tools.sources.walking import Walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tamis_tools.scope import Scope

_MOST = 3
_MOST_ENTRIES = 20_000
_MOST_COMPARED = 2_000


def similar_paths(text: str, scope: Scope) -> list[str]:
    """Addresses of what is called alike in the same folder, or the same somewhere under the roots."""
    text = text.replace("\\", "/")
    wanted = Path(text)
    beside = _close(wanted.name, _names_beside(text, scope))
    if beside:
        return [(PurePosixPath(wanted.parent.as_posix()) / name).as_posix() for name in beside]
    files = [place for root in scope.roots for place in _files("**", Inside(root, root), scope)]
    places = [*_folders(files), *files]
    name = wanted.name.casefold()
    same = [place for place in places if place.path.name.casefold() == name]
    if not same:
        close = set(_close(wanted.name, (place.path.name for place in places)))
        same = [place for place in places if place.path.name in close]
    return [address_of(place, scope) for place in same[:_MOST]]


def similar_globs(text: str, scope: Scope) -> list[str]:
    """Globs near one without matches, each with the number of files that it has: deeper, inside, other suffixes."""
    head, slash, last = text.rpartition("/")
    deeper = f"{head}{slash}**/{last}"
    found = [f"{glob} ({count})" for glob in (deeper, f"{text}/**") if (count := _count(glob, scope))]
    found += _other_suffixes(f"{head}{slash}", last, scope) or _other_suffixes(f"{head}{slash}**/", last, scope)
    return found[:_MOST]


def _other_suffixes(folder: str, last: str, scope: Scope) -> list[str]:
    """Those closest to the suffix that was asked for, else the most common ones."""
    counts = Counter(place.path.suffix for place in _matches(f"{folder}*", scope) if place.path.suffix)
    close = get_close_matches(PurePosixPath(last).suffix, list(counts), n=_MOST, cutoff=0.5)
    ranked = close or [suffix for suffix, _ in counts.most_common(_MOST)]
    return [f"{folder}*{suffix} ({counts[suffix]})" for suffix in ranked]


def _count(glob: str, scope: Scope) -> int:
    return sum(1 for _ in _matches(glob, scope))


def _matches(glob: str, scope: Scope) -> Iterator[Inside]:
    if not is_glob(glob):
        return
    for one in globs(glob):
        try:
            base = contain(anchor(one.base, scope), scope, glob)
        except OutsideRoots:
            continue
        yield from Walk(scope, lambda: True, _MOST_ENTRIES).files(base, one)


def _files(glob: str, base: Inside, scope: Scope) -> Iterator[Inside]:
    for place in Walk(scope, lambda: True, _MOST_ENTRIES).files(base, globs(glob)[0]):
        if not named_like_a_secret(place.path.parts):
            yield place


def _folders(files: Iterable[Inside]) -> Iterator[Inside]:
    """The folders that hold them, below the roots, each once."""
    held = dict.fromkeys((folder, file.root) for file in files for folder in file.path.parents)
    return (Inside(folder, root) for folder, root in held if folder != root and folder.is_relative_to(root))


def _names_beside(text: str, scope: Scope) -> list[str]:
    try:
        folder = contain(anchor(text, scope).parent, scope, text)
        names = (entry.name for entry in folder.path.iterdir())
        return [name for name in islice(names, _MOST_COMPARED) if not named_like_a_secret((name,))]
    except (OSError, OutsideRoots, BadArgument):
        return []


def _close(name: str, names: Iterable[str]) -> list[str]:
    by_fold = {other.casefold(): other for other in islice(names, _MOST_COMPARED)}
    return [by_fold[fold] for fold in get_close_matches(name.casefold(), list(by_fold), n=_MOST, cutoff=0.6)]
