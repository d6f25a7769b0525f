"""What is said about sources that were passed by: how many, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tamis_tools.errors import (
    HandleError,
    OutsideRoots,
    SecretRefused,
    SourceNotFound,
    SourceTooLarge,
    TamisError,
)
from tamis_tools.sources.loading import Binary, Empty
from tamis_tools.sources.pdf import UnreadablePdf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis_tools.limits import Limits
    from tamis_tools.sources.decoding import Decoded

Reason = Literal[
    "gone", "binary", "empty", "secret", "outside", "large", "pdf", "unreadable", "unspeakable", "ignored", "over_cap"
]

_PHRASES: dict[Reason, tuple[str, str]] = {
    "gone": ("is gone", "are gone"),
    "binary": ("is binary", "are binary"),
    "secret": ("looks like a secret", "look like secrets"),
    "outside": ("leads out of the allowed folders", "lead out of the allowed folders"),
    "large": ("is too large", "are too large"),
    "pdf": ("is a PDF without readable text", "are PDFs without readable text"),
    "unreadable": ("could not be opened", "could not be opened"),
    "unspeakable": ("has a name that can't be shown", "have names that can't be shown"),
}

_REASONS: dict[type[TamisError], Reason] = {
    SourceNotFound: "gone",
    HandleError: "gone",
    Binary: "binary",
    Empty: "empty",
    UnreadablePdf: "pdf",
    SecretRefused: "secret",
    OutsideRoots: "outside",
    SourceTooLarge: "large",
}

OF_THE_CONTENT = (Binary, Empty, UnreadablePdf)
"""Failures of what a file holds, not of what an agent wrote: one such file does not fail a call."""


def reason_of(error: TamisError) -> Reason:
    """Under what to count a file that could not be read."""
    return _REASONS.get(type(error), "unreadable")


def beside(more_failures: int, fine: int) -> str:
    """What is added to why a source can't be read: how many others can't be either, and that the rest can be."""
    told = f" {more_failures:,} more can't be read either." if more_failures else ""
    if not fine:
        return told
    rest = "1 other source is fine" if fine == 1 else f"{fine:,} other sources are fine"
    return f"{told} {rest}: correct or drop {'those that fail' if more_failures else 'this one'}."


def skip_notes(skipped: Mapping[Reason, int], limits: Limits) -> list[str]:
    """One sentence for what was skipped and one for what was over the caps, where there is any."""
    counts: dict[Reason, int] = {reason: skipped.get(reason, 0) for reason in _PHRASES}
    total = sum(counts.values())
    told = [
        (count, _PHRASES[reason][count > 1])
        for reason, count in sorted(counts.items(), key=lambda item: -item[1])
        if count
    ]
    notes = [_skipped(total, told)] if total else []
    if over := skipped.get("over_cap", 0):
        notes.append(
            f"{over:,} more files were not read: one call reads at most {limits.max_files:,} files and "
            f"{limits.max_total_bytes // 2**20:,} MB. Name fewer or smaller sources."
        )
    return notes


def _skipped(total: int, told: list[tuple[int, str]]) -> str:
    if len(told) > 1:
        return f"{total:,} files were skipped: {', '.join(f'{count:,} {why}' for count, why in told)}."
    return (
        f"1 file was skipped: it {told[0][1]}." if total == 1 else f"{total:,} files were skipped: they {told[0][1]}."
    )


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
    """One sentence for encodings that were guessed and bytes that none explained, where there are any."""
    guessed = [f"{address} ({decoded.encoding})" for address, decoded in unsure.items() if decoded.how == "guessed"]
    repaired = [address for address, decoded in unsure.items() if decoded.how == "repaired"]
    told = [f"the encoding was guessed for {_counted(guessed)}"] if guessed else []
    if repaired:
        told.append(f"bytes that are no text show as U+FFFD in {_counted(repaired)}")
    sentence = "; ".join(told)
    return [f"{sentence[0].upper()}{sentence[1:]}."] if told else []


def _counted(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names):,} files, such as {names[0]}"
