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

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tamis_tools.document import LineRange
    from tamis_tools.scope import Scope
    from tamis_tools.sources.specs import PathSpec
    from tamis_tools.sources.walking import Walk


@dataclass(frozen=True, slots=True)
class Locator:
    """Finds what path specs mean; one walk's allowance serves all of them."""

    scope: Scope
    walk: Walk

    def locate(self, spec: PathSpec) -> Iterator[Found]:
        """The files that a spec means, in order; raises the SourceError that says why there are none."""
        for text, window in _meanings(spec):
            path = anchor(text, self.scope)
            if os.path.lexists(path):
                return self._existing(path, text, spec.checked_window() if window else None)
        if is_glob(spec.path):
            return self._matching(spec)
        raise self._missing(spec.path)

    def _existing(self, path: Path, text: str, window: LineRange | None) -> Iterator[Found]:
        place = contain(path, self.scope, text)
        refuse_secret_name(path, text, self.scope)
        refuse_secret_name(place.path, text, self.scope)
        try:
            path.stat()
        except OSError as error:
            raise explain(text, error) from None
        if not is_folder(place.path):
            return iter((Found(place, address_of(place, self.scope), window, named=True),))
        if window:
            raise BadArgument(f"{text} is a folder, which has no lines. Pass one file with lines, or {text} alone.")
        return self._walked(place, EVERYTHING)

    def _walked(self, base: Inside, glob: Glob) -> Iterator[Found]:
        for place in self.walk.files(base, glob):
            yield Found(place, address_of(place, self.scope))

    def _matching(self, spec: PathSpec) -> Iterator[Found]:
        if spec.window:
            raise BadArgument(
                f"{spec.text!r} is a glob, which has no lines. Pass one file with lines, or the glob alone."
            )
        alternatives = globs(spec.path)
        if not any(is_folder(anchor(glob.base, self.scope)) for glob in alternatives):
            raise self._missing(alternatives[0].base)
        ignored, met = self.walk.passed_by["ignored"], False
        for found in self._unique(alternatives):
            met = True
            yield found
        if not met and not self.walk.cut_short:
            raise self._no_match(spec.path, self.walk.passed_by["ignored"] - ignored)

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
        similar = similar_paths(text, self.scope)
        return SourceNotFound(
            f'No file or folder "{text}" under {self._roots}. '
            + (f"Similar: {', '.join(similar)}." if similar else "List the folder and pass what is there.")
        )

    def _no_match(self, text: str, ignored: int) -> SourceNotFound:
        message = f'No file matches "{text}" under {self._roots}.'
        if ignored:
            message += f" {ignored} on the way are ignored by .gitignore; name a file or folder itself to read it."
        similar = similar_globs(text, self.scope)
        if similar:
            return SourceNotFound(f"{message} Similar: {', '.join(similar)}.")
        return SourceNotFound(message if ignored else f"{message} List the folder and pass what is there.")

    @property
    def _roots(self) -> str:
        return ", ".join(map(str, self.scope.roots))


def _meanings(spec: PathSpec) -> tuple[tuple[str, LineRange | None], ...]:
    """A literal name goes before lines of another file, but where no name can hold a colon."""
    lines = (spec.path, spec.window)
    return (lines,) if os.name == "nt" and spec.window else ((spec.text, None), lines)
