"""Logs, CSV and JSON are cut into records, rows and values."""

import json
from collections.abc import Callable
from typing import Any

Cut = Callable[..., list[Any]]

TRACEBACK = """Traceback (most recent call last):
  File "a.py", line 3, in f
    g()
ValueError: bad

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 3, in f
    g()
KeyError: 'x'
"""


def test_a_record_of_a_log_has_its_traceback(cut: Cut) -> None:
    records = [
        "2026-01-31 10:00:00,123 INFO start\n",
        f"2026-01-31 10:00:01,123 ERROR failed\n{TRACEBACK}",
        "2026-01-31 10:00:02,123 WARN java\njava.lang.X: y\n\tat a.B(C.java:1)\nCaused by: z.W\n\t... 3 more\n",
        "2026-01-31 10:00:03,123 INFO end",
    ]
    assert [piece.text for piece in cut("".join(records), "log")] == [record.rstrip() for record in records]


def test_a_traceback_ends_after_the_exception_where_lines_have_no_time(cut: Cut) -> None:
    assert [piece.text for piece in cut(f"one\ntwo\n{TRACEBACK}three\n", "log")] == [
        "one\ntwo",
        TRACEBACK.rstrip(),
        "three",
    ]


def test_a_compiler_message_has_its_source_line_and_caret(cut: Cut) -> None:
    messages = [
        "a.c:3:5: warning: unused variable 'x'\n    3 |     int x;\n      |         ^\n",
        "a.c:9:1: error: expected ';'\n}\n^\n",
        "error[E0308]: mismatched types\n --> src/main.rs:2:5\n  |\n2 |     1\n  |     ^ expected `()`\n",
    ]
    pieces = [piece.text for piece in cut("gcc a.c\n" + "".join(messages), "log")]
    assert pieces == ["gcc a.c", *(message.rstrip() for message in messages)]


def test_a_failure_of_pytest_has_its_last_line(cut: Cut) -> None:
    failure = "    def test_y():\n>       assert 1 == 2\nE       assert 1 == 2\n\ntest_a.py:5: AssertionError"
    assert failure in [piece.text for piece in cut(f"____ test_y ____\n\n{failure}\n===== end =====\n", "log")]


def test_a_long_record_is_cut_below_its_first_line_and_keeps_its_end(cut: Cut) -> None:
    frames = "".join(f'  File "module_{number}.py", line {number}, in call\n    call()\n' for number in range(60))
    first = "2026-01-31 10:00:01 ERROR failed"
    text = f"{first}\nTraceback (most recent call last):\n{frames}ValueError: bad"
    pieces = cut(text, "log")
    assert len(pieces) > 2
    assert pieces[-1].context == (first,)
    assert pieces[-1].text.endswith("    call()\nValueError: bad")
    assert {piece.block for piece in pieces} == {text}


def test_plain_lines_go_together_up_to_a_blank_one(cut: Cut) -> None:
    pieces = cut("a\nb\n\n" + "c\n" * 8, "log")
    assert [piece.text for piece in pieces] == ["a\nb", "\n".join("c" * 6), "c\nc"]


def test_a_line_of_jsonl_is_a_record(cut: Cut) -> None:
    assert [piece.text for piece in cut('{"a": 1}\r\n\r\n{"a": 2}', "jsonl")] == ['{"a": 1}', '{"a": 2}']


def test_a_row_of_csv_has_its_quoted_line_feeds_and_the_header_above(cut: Cut) -> None:
    rows = ["name,note", '"Ann ""A"" B","one\ntwo, three"', 'Bob,4" pipe', "Cy,"]
    pieces = cut("\r\n".join(rows), "csv")
    assert [piece.text for piece in pieces] == rows
    assert {piece.context for piece in pieces[1:]} == {("name,note",)}
    assert pieces[0].context == ()


def test_an_open_quote_does_not_swallow_the_rows_below(cut: Cut) -> None:
    rows = ["name,note", 'Ann,"open', "Bob,closed", "Cy,closed"]
    assert [piece.text for piece in cut("\n".join(rows), "csv")] == rows


def test_values_of_json_stand_below_their_keys(cut: Cut) -> None:
    users = [{"id": number, "name": f"user {number}", "note": "é😀" * 40} for number in range(9)]
    for indent in (None, 2):
        text = json.dumps({"version": 1, "data": {"users": users}}, indent=indent, ensure_ascii=False)
        pieces = cut(text, "json")
        assert [piece.text.count('"id"') for piece in pieces if '"id"' in piece.text] == [1] * 9
        assert pieces[-1].context == ('"data"', '"users"')
        assert '"id": 8' in pieces[-1].text


def test_small_members_of_json_go_together_and_long_strings_stand_below_their_key(cut: Cut) -> None:
    pieces = cut(json.dumps({"a": 1, "b": [2], "c": "words " * 300}, indent=1), "json")
    assert pieces[0].text == '{\n "a": 1,\n "b": [2],'.replace("[2]", "[\n  2\n ]")
    assert pieces[-1].context == ('"c"',)


def test_malformed_json_is_cut_as_well_as_it_goes(cut: Cut) -> None:
    text = '{"a": [1, 2\n' + "broken } ] line\n" * 200
    assert "".join("".join(piece.text for piece in cut(text, "json")).split()) == "".join(text.split())


def test_a_test_and_its_verdict_two_lines_down_are_one_record(cut: Cut) -> None:
    text = "test_a (suite.Case)\nA sum is positive. ... FAIL\ntest_b (suite.Case) ... ok\n"
    records = [piece.text for piece in cut(text, "log")]
    assert records == ["test_a (suite.Case)\nA sum is positive. ... FAIL", "test_b (suite.Case) ... ok"]
