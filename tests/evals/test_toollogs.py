"""Logs: which lines say what failed, and which only look so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamis_evals.datasets import toollogs
from tamis_evals.datasets.data import Data, DataMissing
from tamis_evals.datasets.labelled import scored

REPORT = """\
============================= test session starts ==============================
collected 3 items
=================================== FAILURES ===================================
_________________________________ test_boiling _________________________________
tea/test_kettle.py:7: in test_boiling
    assert heat(20) == 100
E   AssertionError: assert 20 == 100
E    +  where 20 = heat(20)
tea/test_kettle.py:7: AssertionError
----------------------------- Captured stdout call -----------------------------
__________________________________ test_inner __________________________________
E   assert False
=========================== 1 failed in 0.01 seconds ===========================
_________________________________ test_pouring _________________________________
E   KeyError: 'cup'
==================================== PASSES ====================================
_________________________________ test_steeping ________________________________
E   AssertionError: printed by a test that passed
=========================== short test summary info ============================
PASSED tea/test_kettle.py::test_steeping
FAILED tea/test_kettle.py::test_boiling - AssertionError: assert 20 == 100
FAILED tea/test_kettle.py::test_pouring - KeyError: 'cup'
========================= 2 failed, 1 passed in 0.12s ==========================
"""


def labelled(text: str) -> list[str]:
    lines = text.split("\n")
    return [lines[number] for number in toollogs.failures(text)]


@pytest.mark.parametrize(
    "line",
    [
        "src/pot.c:4:2: error: expected ';' before '}' token",
        "Pot.cs(22,30): error CS0103: The name 'lid' does not exist in the current context",
        "[ERROR] /build/tea/Pot.java:[21,7] cannot find symbol",
        "src/pot.o: undefined reference to `pour'",
        "make[2]: *** [Makefile:9: pot] Error 1",
        "error[E0308]: mismatched types",
        "java.lang.IllegalStateException: no water",
        "Caused by: java.io.IOException: broken pipe",
        "ValueError: too hot",
        "FAIL: test_pour (tea.tests.PotTests)",
        "test_pour (tea.tests.PotTests) ... ERROR",
        "FAILED (failures=1, errors=2)",
        "Tests run: 4, Failures: 1, Errors: 0, Skipped: 0",
        "[INFO] BUILD FAILURE",
        "    --- FAIL: TestPour (0.00s)",
        "\x1b[31mFAILED\x1b[0m tea/test_pot.py::\x1b[1mtest_pour\x1b[0m - assert 1 == 2",
    ],
)
def test_a_line_that_says_what_failed_is_labelled(line: str) -> None:
    assert labelled(f"all is well\n{line}\ndone") == [line]


@pytest.mark.parametrize(
    "line",
    [
        "src/pot.c:4:2: warning: unused variable 'lid'",
        "  CC       util/error.o",
        "test_error_message (tea.tests.PotTests) ... ok",
        "    0 Error(s)",
        "Tests run: 4, Failures: 0, Errors: 0, Skipped: 0",
        "PASSED tea/test_pot.py::test_failed_pour",
        "============================== 4 passed in 0.03s ===============================",
        "[reading java/lang/Exception.class]",
        '  File "pot.py", line 3, in pour',
    ],
)
def test_a_line_that_only_looks_like_a_failure_is_not_labelled(line: str) -> None:
    assert labelled(f"all is well\n{line}\ndone") == []


def test_what_a_test_printed_and_what_passed_is_no_failure() -> None:
    assert labelled(REPORT) == [
        "_________________________________ test_boiling _________________________________",
        "E   AssertionError: assert 20 == 100",
        "tea/test_kettle.py:7: AssertionError",
        "_________________________________ test_pouring _________________________________",
        "E   KeyError: 'cup'",
        "FAILED tea/test_kettle.py::test_boiling - AssertionError: assert 20 == 100",
        "FAILED tea/test_kettle.py::test_pouring - KeyError: 'cup'",
        "========================= 2 failed, 1 passed in 0.12s ==========================",
    ]


def test_the_findings_of_a_parser_are_found_in_the_log_in_order() -> None:
    log = "checking\npot.rb:3:1: lid missing\n  lid\npot.rb:8:1: lid missing\n  lid\n"
    assert toollogs.findings(log, "pot.rb|3 col 1| lid missing\npot.rb|8 col 1| lid missing\n") == [1, 3]


def test_a_finding_that_is_not_in_the_log_is_left_out() -> None:
    assert toollogs.findings("pot.rb:3: lid missing\n", "pot.rb|3| spout missing\npot.rb|3| lid missing\n") == [0]


def names(half: bool, suffix: str) -> list[str]:
    return [name for name in (f"build-{number}{suffix}" for number in range(40)) if scored(name) is half]


def data(folder: Path, files: dict[str, str]) -> Data:
    for name, text in files.items():
        path = folder / "tool-output-logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return Data(folder)


CALM = "".join(f"compiling part {number} of the kettle\n" for number in range(100))
BROKEN = CALM + "kettle.c:9:1: error: no spout\n" + CALM


def test_only_the_scored_half_is_asked_and_nothing_twice(tmp_path: Path) -> None:
    first, second = names(True, ".txt")[:2]
    files = {f"moatless/{name}": BROKEN for name in (first, second, names(False, ".txt")[0])}
    asked = list(toollogs.questions(data(tmp_path, files)))
    assert [question.id for question in asked] == [min(first, second)]
    assert [asked[0].text[span.start : span.end] for span in asked[0].spans] == ["kettle.c:9:1: error: no spout"]


def test_logs_that_ask_nothing_are_left_out(tmp_path: Path) -> None:
    calm, short, loud = names(True, ".txt")[:3]
    files = {
        f"moatless/{calm}": CALM,
        f"moatless/{short}": "kettle.c:9:1: error: no spout\n",
        f"moatless/{loud}": "kettle.c:9:1: error: no spout\n" * 100,
    }
    assert list(toollogs.questions(data(tmp_path, files))) == []


def test_a_pair_takes_its_labels_from_the_parser(tmp_path: Path) -> None:
    name = names(True, ".in")[0]
    log = CALM + "kettle.rb:9:1: C: spout too long\n"
    files = {
        f"errorformat/{name}": log,
        f"errorformat/{name.removesuffix('.in')}.ok": "kettle.rb|9 col 1 C| spout too long\n",
    }
    (asked,) = toollogs.questions(data(tmp_path, files))
    assert [asked.text[span.start : span.end] for span in asked.spans] == ["kettle.rb:9:1: C: spout too long"]


def test_a_folder_without_logs_is_missing_data(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="no logs"):
        next(toollogs.questions(Data(tmp_path)))
