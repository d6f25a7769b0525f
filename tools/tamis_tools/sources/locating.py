"""From what was written to the files that are meant: a file, a folder's files, or the matches of a glob."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tamis_tools.errors import BadArgument, SourceNotFound
from tamis_tools.sources.containment import Inside, address_of, anchor, contain, explain, is_folder
from tamis_tools.sources.globs import EVERYTHING, Glob, globs, is_glob
from tamis_tools.sources.loading import Found, refuse_secret_name
from tamis_tools.sources.near import similar_globs, similar_paths
from tamis_tools.sources.specs import PASTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tamis_tools.parts import Meaning
    from tamis_tools.scope import Scope
    from tamis_tools.sources.specs import PathSpec
    from tamis_tools.sources.walking import Walk

_MOST_WORDS, _MOST_SHOWN = 3, 200
"""A glob of more words is a pasted sentence; more characters are not needed to see which source is meant."""


@dataclass(frozen=True, slots=True)
class Locator:
    """Finds what path specs mean; one walk's allowance serves all of them.

    It `suggests` what may have been meant by a source that leads nowhere, which takes a look around.
    """

    scope: Scope
    walk: Walk
    suggests: bool = True

    def locate(self, spec: PathSpec) -> Iterator[Found]:
        """The files that a spec means, in order; raises the SourceError that says why there are none."""
        for meaning in spec.meanings:
            path = anchor(meaning.address, self.scope)
            if os.path.lexists(path):
                return self._existing(path, meaning)
        meaning = spec.meanings[-1]
        if is_glob(meaning.address):
            return self._matching(meaning)
        raise self._missing(meaning.address)

    def _existing(self, path: Path, meaning: Meaning) -> Iterator[Found]:
        text, part = meaning
        place = contain(path, self.scope, text)
        refuse_secret_name(path, text, self.scope)
        refuse_secret_name(place.path, text, self.scope)
        try:
            path.stat()
        except OSError as error:
            raise explain(text, error) from None
        if not is_folder(place.path):
            return iter((Found(place, address_of(place, self.scope), part, named=True),))
        if part:
            raise BadArgument(f"{text} is a folder, which has no lines. Pass one file with lines, or {text} alone.")
        return self._walked(place, EVERYTHING)

    def _walked(self, base: Inside, glob: Glob) -> Iterator[Found]:
        for place in self.walk.files(base, glob):
            yield Found(place, address_of(place, self.scope))

    def _matching(self, meaning: Meaning) -> Iterator[Found]:
        text, part = meaning
        if part:
            raise BadArgument(f"{text!r} is a glob, which has no lines. Pass one file with lines, or the glob alone.")
        alternatives = globs(text)
        if not any(is_folder(anchor(glob.base, self.scope)) for glob in alternatives):
            raise self._missing(alternatives[0].base)
        ignored, met = self.walk.passed_by["ignored"], False
        for found in self._unique(alternatives):
            met = True
            yield found
        if not met and not self.walk.cut_short:
            raise self._no_match(text, self.walk.passed_by["ignored"] - ignored)

    def _unique(self, alternatives: Iterable[Glob]) -> Iterator[Found]:
        seen: set[str] = set()
        for glob in alternatives:
            base = contain(anchor(glob.base, self.scope), self.scope, glob.base)
            for found in self._walked(base, glob) if is_folder(base.path) else ():
                if found.address not in seen:
                    seen.add(found.address)
                    yield found

    def _missing(self, text: str) -> SourceNotFound:
        contain(anchor(text, self.scope), self.scope, text)
        message = f"No file or folder {_quoted(text)} under {self._roots}."
        return SourceNotFound(_advised(message, text, similar_paths(text, self.scope) if self.suggests else []))

    def _no_match(self, text: str, ignored: int) -> SourceNotFound:
        message = f"No file matches {_quoted(text)} under {self._roots}."
        if ignored:
            message += f" {ignored} on the way are ignored by .gitignore; name a file or folder itself to read it."
        suggests = self.suggests and len(text.split()) <= _MOST_WORDS
        similar = similar_globs(text, self.scope) if suggests else []
        return SourceNotFound(message if ignored and not similar else _advised(message, text, similar))

    @property
    def _roots(self) -> str:
        return ", ".join(map(str, self.scope.roots))


def _advised(message: str, text: str, similar: list[str]) -> str:
    if similar:
        return f"{message} Similar: {', '.join(similar)}."
    return f"{message} {PASTED if ' ' in text.strip() else 'List the folder and pass what is there.'}"


def _quoted(text: str) -> str:
    return f'"{text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"}"'
