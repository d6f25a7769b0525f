"""Finds files under a folder: in one order always, by gitignore rules, without following linked folders."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tamis_tools.errors import OutsideRoots
from tamis_tools.sources.containment import Inside, contain, is_folder
from tamis_tools.sources.credentials import named_like_a_secret
from tamis_tools.sources.globs import EVERYTHING, Glob, State
from tamis_tools.sources.ignores import Rules, rules_above
from tamis_tools.sources.specs import speakable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tamis_tools.scope import Scope

PassedBy = Literal["ignored", "unspeakable", "unreadable", "outside", "secret"]

SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__"})
"""Besides these, every virtual environment (a folder with `pyvenv.cfg`) is skipped unless it is named."""

MOST_ENTRIES = 200_000
_ENTRIES_A_STEP = 2_000


@dataclass(slots=True)
class Walk:
    """What one call may still look at, and what it passed by, by reason.

    `keep_going` is asked every few thousand entries; once it says no, or after `entries` of them, no more folders
    are entered and `cut_short` tells so.
    """

    scope: Scope
    keep_going: Callable[[], bool]
    entries: int = MOST_ENTRIES
    passed_by: Counter[PassedBy] = field(default_factory=Counter)
    cut_short: bool = False

    def files(self, start: Inside, glob: Glob = EVERYTHING) -> Iterator[Inside]:
        """The files under `start` that match, sorted by path; a link to a file in the roots as that file."""
        base = "" if start.relative == "." else f"{start.relative}/"
        stack = [iter(self._listed(_Folder(start, base, rules_above(start), glob.start), glob))]
        while stack:
            met = next(stack[-1], None)
            if met is None:
                stack.pop()
            elif isinstance(met, Inside):
                yield met
            else:
                stack.append(iter(self._listed(met, glob)))

    def _listed(self, folder: _Folder, glob: Glob) -> list[Inside | _Folder]:
        entries = self._scan(folder.place)
        names = frozenset(entry.name for entry in entries)
        if "pyvenv.cfg" in names and not folder.named:
            return []
        rules = folder.rules.inside(folder.place, folder.base, names)
        within = _Folder(folder.place, folder.base, rules, folder.state)
        met = (self._met(within, entry, glob) for entry in entries)
        return [one for one in met if one]

    def _met(self, folder: _Folder, entry: os.DirEntry[str], glob: Glob) -> Inside | _Folder | None:
        name, is_dir = entry.name, entry.is_dir(follow_symlinks=False)
        named = name in glob.literal
        state = glob.enter(folder.state, name) if is_dir else folder.state
        if not (state if is_dir else glob.accepts(state, name)):
            return None
        if name in SKIPPED_FOLDERS and not named:
            return None
        if folder.rules.ignore(folder.base + name, is_folder=is_dir):
            return self._pass_by("ignored")
        if not speakable(name):
            return self._pass_by("unspeakable")
        place = Inside(folder.place.path / name, folder.place.root)
        if is_dir:
            return _Folder(place, f"{folder.base}{name}/", folder.rules, state, named)
        return self._followed(place) if entry.is_symlink() else place

    def _followed(self, link: Inside) -> Inside | None:
        if not self.scope.allow_secrets and named_like_a_secret(link.path.parts):
            return self._pass_by("secret")
        try:
            target = contain(link.path, self.scope, link.relative)
        except OutsideRoots:
            return self._pass_by("outside")
        return None if is_folder(target.path) else target

    def _pass_by(self, reason: PassedBy) -> None:
        self.passed_by[reason] += 1

    def _scan(self, folder: Inside) -> list[os.DirEntry[str]]:
        if self.cut_short:
            return []
        if os.name == "nt" and Path(os.path.realpath(folder.path)) != folder.path:
            return []  # a junction, which says of itself that it is a folder
        try:
            with os.scandir(folder.path) as scan:
                entries = list(islice(scan, self.entries))
        except OSError:
            self.passed_by["unreadable"] += 1
            return []
        steps = self.entries // _ENTRIES_A_STEP
        self.entries -= len(entries) + 1  # a folder counts itself, or empty ones would be free
        if self.entries <= 0 or (self.entries // _ENTRIES_A_STEP < steps and not self.keep_going()):
            self.cut_short = True
        return sorted(entries, key=lambda entry: entry.name)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to enter. `base` is its path from the root with a slash after it, or empty."""

    place: Inside
    base: str
    rules: Rules = field(default_factory=Rules)
    state: State = frozenset()
    named: bool = True
