"""What kind of text a source is."""

import pytest

from tamis_tools.sources.formats import HEAD_CHARACTERS, Kind, kind_of

LOG = "2026-01-31 10:00:00,123 INFO started\n" * 4


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("src/app.py", "", Kind("code", "python")),
        ("App.TSX", "", Kind("code", "tsx")),
        ("a.mjs", "", Kind("code", "javascript")),
        ("a.h", "int a;", Kind("code", "c")),
        ("a.h", "#pragma once\nnamespace a {\n", Kind("code", "cpp")),
        ("a.ts", "", Kind("code", "typescript")),
        ("a.ts", "<?xml version='1.0'?><TS/>", Kind("code", "xml")),
        ("Makefile", "", Kind("code", "make")),
        ("Dockerfile.dev", "", Kind("code", "dockerfile")),
        ("CMakeLists.txt", "", Kind("code", "cmake")),
        ("a.zig", "", Kind("code", "zig")),
        ("a.qml", "", Kind("code", "qml")),
        ("run", "#!/usr/bin/env python3\n", Kind("code", "python")),
        ("run", "#!/usr/bin/env -S node --x\n", Kind("code", "javascript")),
        ("run", "#!/bin/sh -e\n", Kind("code", "bash")),
        ("run", "#!" + "a" * 100_000, Kind("code")),
        ("README", "", Kind("markdown")),
        ("a.rst", "", Kind("text")),
        ("a.ndjson", "", Kind("jsonl")),
        ("a.tsv", "", Kind("csv")),
        ("a.ipynb", "", Kind("json")),
        ("a.xhtml", "", Kind("html")),
        ("app.log", "anything", Kind("log")),
        ("app.log.1", "anything", Kind("log")),
        ("out.txt", LOG, Kind("log")),
        ("out", LOG, Kind("log")),
        ("out.txt", LOG + "a sentence of prose\n" * 9, Kind("text")),
        ("trace.txt", (LOG[:37] + "    at frame\n" * 9) * 3, Kind("log")),
        ("", '{"a": [1, 2]}', Kind("json")),
        ("", '{"a": 1}\n{"a": 2}\n', Kind("jsonl")),
        ("", "[2026-01-31 10:00:00] up\n" * 4, Kind("log")),
        ("", "<!DOCTYPE html>\n<html>", Kind("html")),
        ("", "<?xml version='1.0'?>", Kind("code", "xml")),
        ("", "{not json at all", Kind("text")),
        ("LICENSE", "Some words", Kind("text")),
        (".gitignore", "*.o", Kind("text")),
        ("man.7", "", Kind("text")),
    ],
)
def test_the_kind_is_told_by_name_then_by_look(name, text, kind):
    assert kind_of(name, text) == kind


@pytest.mark.parametrize(
    "line",
    [
        "Jan 31 10:00:00 host sshd[1]: x",
        '10.0.0.1 - - [31/Jan/2026:10:00:00 +0000] "GET /"',
        "[31/Jan/2026:10:00:00] x",
        "I0131 10:00:00.1 glog",
        "WARNING: x",
        "1769853600.123 x",
        "10:00:00.123 x",
    ],
)
def test_lines_that_begin_with_a_time_or_level_are_a_log(line):
    assert kind_of("out.txt", f"{line}\n" * 5) == Kind("log")


def test_a_stated_media_type_goes_before_the_name():
    assert kind_of("/page.php", "<p>x", "text/html") == Kind("html")
    assert kind_of("/app.py", "x", "text/plain") == Kind("code", "python")


@pytest.mark.parametrize("character", list("\n {[<-:.0aI\t#!"))
def test_a_hostile_head_costs_little(character):
    kind_of("", character * HEAD_CHARACTERS)
    kind_of("a.h", character * HEAD_CHARACTERS)


def test_the_output_of_a_test_run_in_a_text_file_is_a_log() -> None:
    lines = ["test_a (suite.Case) ... ok", "test_b (suite.Case) ... FAIL", "test_c (suite.Case) ... ok"] * 3
    assert kind_of("out.txt", "\n".join(lines)).format == "log"
    assert (
        kind_of("notes.txt", "It failed.\nThen it passed.\nNobody knew why: 12 people looked.\nok\nfine\n").format
        == "text"
    )
