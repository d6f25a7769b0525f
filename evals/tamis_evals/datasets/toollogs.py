"""Output of compilers, linters, builds and test runs, with the lines that say what failed.

Where the data has the findings that a parser is to make of a log (errorformat's pairs), those are the labels. Other
logs are labelled by the patterns below, which are narrow on purpose: a compiler's error with its file and line, the
line of an assertion or exception, the name of a failed test, a summary that counts failures. Frames of a traceback,
warnings, and what a tool logs while all is well are not labelled, so the labels are a lower bound.

Of all logs one half (by a hash of the name) is scored; the other is for whoever trains on such logs. A log with no
failure, or too short for a budget to matter, or of which more than a quarter is failures, asks nothing and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tamis_evals.datasets.data import Data, DataMissing
from tamis_evals.datasets.labelled import scored
from tamis_evals.datasets.spans import Question, lines, stripped

ROOT = "tool-output-logs"
FOLDERS = ("analysis-model", "analysis-model/violations", "errorformat", "moatless")
QUERY = "What failed, and why?"
SHORTEST = 2_000
"""Characters, about five hundred tokens: of a shorter log half fits the least budget."""
LONGEST = 1_000_000
"""Characters; one log is of four millions, and would take longer than all others."""
MOST_FAILURES = 1 / 4
"""Share of the lines that may be failures."""

_PLACE = r"[\w)\]]\.\w+(?::\d+|\(\d+|:\[\d+)(?:[,:.-]\d+)*[)\]]?"
_RAISED = r"\w*(?:Error|Exception|Failure|Failed|Exit|Warning)"
_FAILURES = re.compile(
    "|".join(
        f"(?:{pattern})"
        for pattern in (
            # compilers and linkers: where, and that it is an error
            rf"{_PLACE}:?\s*(?:fatal |internal compiler |syntax )?[Ee]rror\b(?!s)",
            rf"^(?:\S+\s+)?\[ERROR\]\s+\S*{_PLACE}",
            r"^(?:fatal )?error(?:\[E\d+\])?: \S",
            r": undefined reference to ",
            r"^\S*make(?:\[\d+\])?: \*\*\*",
            # tests and tracebacks: what was raised, and where
            rf"^E\s{{2,}}(?:(?:\w+\.)*{_RAISED}\b|assert )",
            rf"^\S+\.py:\d+: {_RAISED}$",
            r"^(?:\w+\.)*[A-Z]\w*(?:Error|Exception)(?:: .*)?$",
            r"^Caused by: \S",
            r"^(?:[a-z]\w*\.){2,}\w+(?:Exception|Error)\b",
            r"^panic: ",
            # tests by name
            r"^_{2,} .*(?:\btest_|\bTest\w+\.|ERROR (?:collecting|at)).* _{2,}$",
            r"^(?:FAILED|ERROR) \S+(?:::|\.py)",
            r"^(?:FAIL|ERROR|FATAL): \S",
            r"^\S.*\.\.\. (?:FAIL|ERROR)$",
            r"^test_\w+ [EF]$",
            r"<<< (?:FAILURE|ERROR)!",
            r"^\s*--- FAIL: ",
            # summaries
            r"^=+ .*\b[1-9]\d* (?:failed|errors?)\b.* =+$",
            r"^FAILED \((?:failures|errors)=",
            r"\btests finished: .*\b[1-9]\d* (?:failed|exceptions)\b",
            r"Tests run: .*(?:Failures|Errors): [1-9]",
            r"\bBUILD FAIL(?:URE|ED)\b",
            r"\bFailed to execute goal ",
        )
    )
)
_HEADING = re.compile(r"^_{2,} .*?(?P<test>\w[^\s.]*) _{2,}$")
_FAILED = re.compile(r"^(?:FAILED|ERROR) \S*?(?:::|\.py )(?:.*::)?(?P<test>\w[^\s:]*)")
_CAPTURED = re.compile(r"^-+ Captured .* -+$")
_SUMMARY = re.compile(r"^=+ short test summary info =+$")
_UNFAILED = re.compile(r"^=+ (?:PASSES|XFAILURES|XPASSES) =+$")
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_FINDING = re.compile(r"^[^|]*\|(?P<line>\d*)[^|]*\|\s*(?P<message>.+)$")


def questions(data: Data) -> Iterator[Question]:
    """The scored logs that ask something, in the order of their names; raises `DataMissing` where there are none."""
    paths = [path for folder in FOLDERS for path in data.names(f"{ROOT}/{folder}")]
    if not paths:
        raise DataMissing(f"There are no logs in {data.folder / ROOT}. evals/README.md lists the data.")
    seen: set[str] = set()
    for path in paths:
        name = PurePosixPath(path).name
        if path.endswith(".ok") or not scored(name):
            continue
        text = data.bytes(path).decode("utf-8", "replace")
        if SHORTEST <= len(text) <= LONGEST and text not in seen:
            seen.add(text)
            yield from _asked(name, text, _labels(data, path, text))


def failures(text: str) -> list[int]:
    """Numbers of the lines, from 0, that say what failed; colours of a terminal are looked through."""
    plain = _plain(text)
    quiet = _quiet(plain)
    return [number for number, line in enumerate(plain) if number not in quiet and _FAILURES.search(line)]


def findings(text: str, parsed: str) -> list[int]:
    """Numbers of the lines, from 0, from which a parser made its findings.

    `parsed` has one finding a line, `file|line col column type| message`. Both are in the same order: the line of a
    finding is the next that holds the message and the number.
    """
    plain = _plain(text)
    found: list[int] = []
    start = 0
    for finding in filter(None, map(_FINDING.match, parsed.split("\n"))):
        message, line = finding["message"].strip(), finding["line"]
        at = next((at for at in range(start, len(plain)) if message in plain[at] and line in plain[at]), None)
        if at is not None:
            found.append(at)
            start = at + 1
    return found


def _labels(data: Data, path: str, text: str) -> list[int]:
    if path.endswith(".in"):
        return findings(text, data.text(path.removesuffix(".in") + ".ok"))
    return failures(text)


def _asked(name: str, text: str, labels: list[int]) -> Iterator[Question]:
    places = lines(text)
    full = sum(not text[place.start : place.end].isspace() for place in places if place.end > place.start)
    spans = tuple(stripped(text, places[number]) for number in labels)
    if spans and len(spans) <= MOST_FAILURES * full:
        suffix = PurePosixPath(name).suffix
        yield Question(name, name, "output.log" if suffix != ".log" else name, text, QUERY, spans)


def _quiet(plain: list[str]) -> set[int]:
    """Lines of a pytest report that may look like failures and are none: what tests printed, and what passed.

    What a test prints may itself be a test report, so its end is known only by the name of the next test that failed.
    """
    last = max((number for number, line in enumerate(plain) if _SUMMARY.match(line)), default=len(plain))
    failed = {found["test"] for found in map(_FAILED.match, plain[last:]) if found}
    quiet: set[int] = set()
    printed = False
    for number, line in enumerate(plain[:last]):
        if _UNFAILED.match(line):
            return quiet | set(range(number, last))
        heading = _HEADING.match(line)
        if heading:
            printed = printed and bool(failed) and heading["test"] not in failed
        printed = printed or bool(_CAPTURED.match(line))
        if printed:
            quiet.add(number)
    return quiet


def _plain(text: str) -> list[str]:
    return [_COLOURS.sub("", line).rstrip() for line in text.split("\n")]
