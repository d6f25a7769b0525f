"""What is said about sources that were passed by: how many, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tamis_tools.errors import OutsideRoots, SecretRefused, SourceError, SourceTooLarge
from tamis_tools.render import some
from tamis_tools.sources.loading import Binary, Empty
from tamis_tools.sources.pdf import UnreadablePdf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis_tools.limits import Limits
    from tamis_tools.sources.decoding import Decoded

Reason = Literal[
    "binary", "empty", "secret", "outside", "large", "pdf", "unreadable", "unspeakable", "ignored", "over_cap"
]

_PHRASES: dict[Reason, tuple[str, str]] = {
    "binary": ("binary", "binary"),
    "secret": ("looks like a secret", "look like secrets"),
    "outside": ("leads out of the allowed folders", "lead out of the allowed folders"),
    "large": ("is too large", "are too large"),
    "pdf": ("is a PDF without readable text", "are PDFs without readable text"),
    "unreadable": ("could not be opened", "could not be opened"),
    "unspeakable": ("has a name that can't be shown", "have names that can't be shown"),
}

_REASONS: dict[type[SourceError], Reason] = {
    Binary: "binary",
    Empty: "empty",
    UnreadablePdf: "pdf",
    SecretRefused: "secret",
    OutsideRoots: "outside",
    SourceTooLarge: "large",
}

_NAMED = 3

OF_THE_CONTENT = (Binary, Empty, UnreadablePdf)
"""Failures of what a file holds, not of what an agent wrote: one such file does not fail a call."""


def reason_of(error: SourceError) -> Reason:
    """Under what to count a file that could not be read."""
    return _REASONS.get(type(error), "unreadable")


def skip_notes(skipped: Mapping[Reason, int], limits: Limits) -> list[str]:
    """One sentence for what was skipped and one for what was over the caps, where there is any."""
    counts: dict[Reason, int] = {reason: skipped.get(reason, 0) for reason in _PHRASES}
    total = sum(counts.values())
    told = ", ".join(
        f"{count} {_PHRASES[reason][count > 1]}"
        for reason, count in sorted(counts.items(), key=lambda item: -item[1])
        if count
    )
    notes = [f"{total:,} {'files were' if total > 1 else 'file was'} skipped: {told}."] if total else []
    if over := skipped.get("over_cap", 0):
        notes.append(
            f"{over:,} more files were not read: one call reads at most {limits.max_files:,} files and "
            f"{limits.max_total_bytes // 2**20:,} MB. Name fewer or smaller sources."
        )
    return notes


def nothing_readable(skipped: Mapping[Reason, int], notes: list[str]) -> str:
    """What to say and advise where no source had anything to read."""
    told = ["Nothing readable in these sources.", *notes]
    if empty := skipped.get("empty", 0):
        told.append(f"{empty:,} without any text.")
    if ignored := skipped.get("ignored", 0):
        told.append(f"{ignored:,} ignored by .gitignore; name a file or folder itself to read it.")
    if skipped.get("secret", 0):
        told.append("Ask the user to add --allow-secrets if a secret must be read; do not retry.")
    return " ".join([*told, "Pass sources that hold text."])


def decoding_notes(unsure: Mapping[str, Decoded]) -> list[str]:
    """One sentence for the encodings that were guessed and one for bytes that no encoding explained."""
    guessed = [f"{address} ({decoded.encoding})" for address, decoded in unsure.items() if decoded.how == "guessed"]
    repaired = [address for address, decoded in unsure.items() if decoded.how == "repaired"]
    notes = [f"The encoding of {some(guessed, _NAMED)} was guessed."] if guessed else []
    if repaired:
        notes.append(f"Bytes that are no text show as U+FFFD in {some(repaired, _NAMED)}.")
    return notes
