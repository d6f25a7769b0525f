"""Gitignore rules as git applies them: the innermost file that says anything decides, and a repository starts anew."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis_tools.errors import SourceError
from tamis_tools.sources.containment import Inside, opened

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_MOST_BYTES = 128 * 1024
_MOST_PATTERNS = 2_000
_MOST_STARS = 4
_STARS = re.compile(r"\*+")
_SET_IN_SET = re.compile(r"\[[^\]]*(\[|--|&&|~~|\|\|)")
"""What Python's regular expressions warn about and may read otherwise one day."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The ignore files from a repository's top down to one folder; paths are posix, from the root."""

    layers: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    def ignore(self, path: str, *, is_folder: bool) -> bool:
        """Whether git would ignore `path`, given that it does not ignore the folder it lies in."""
        for base, spec in reversed(self.layers):
            verdict = spec.check_file(path[len(base) :] + "/" * is_folder).include
            if verdict is not None:
                return verdict
        return False

    def inside(self, folder: Inside, base: str, names: frozenset[str]) -> Rules:
        """The rules within `folder`, which holds `names`; `base` is its path from the root with a slash after it."""
        layers = () if ".git" in names else self.layers
        files = [".git/info/exclude"] * (".git" in names) + [".gitignore"] * (".gitignore" in names)
        for file in files:
            if lines := _lines(Inside(folder.path / file, folder.root)):
                layers = (*layers, (base, _spec(lines)))
        return self if layers == self.layers else Rules(layers)


def rules_above(folder: Inside) -> Rules:
    """The rules that hold for what lies directly in `folder`, without its own; none if it is itself ignored.

    Files above the root are not read, even where the repository begins there.
    """
    rules, base, path = Rules(), "", folder.root
    for part in folder.path.relative_to(folder.root).parts:
        names = frozenset(name for name in (".git", ".gitignore") if os.path.lexists(path / name))
        rules = rules.inside(Inside(path, folder.root), base, names)
        if rules.ignore(base + part, is_folder=True):
            return Rules()
        base, path = f"{base}{part}/", path / part
    return rules


def _spec(patterns: list[str]) -> GitIgnoreSpec:
    # late: most calls name files and never walk
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore.base import GitIgnorePatternError
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    usable: list[GitIgnoreSpecPattern] = []
    for pattern in patterns:
        with suppress(GitIgnorePatternError, re.error):  # git skips what it can't read, too
            usable.append(GitIgnoreSpecPattern(pattern))
    return GitIgnoreSpec(usable)


def _lines(file: Inside) -> list[str]:
    """The file's patterns, less those with so many stars that matching one long name could take minutes."""
    try:
        with opened(file) as descriptor:
            text = os.read(descriptor, _MOST_BYTES).decode("utf-8-sig", errors="replace")
    except (OSError, SourceError):
        return []
    patterns = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [pattern for pattern in patterns if _is_sane(pattern)][:_MOST_PATTERNS]


def _is_sane(pattern: str) -> bool:
    return len(_STARS.findall(pattern)) <= _MOST_STARS and not _SET_IN_SET.search(pattern)
