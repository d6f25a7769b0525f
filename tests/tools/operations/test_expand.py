import json
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis_engine.errors import EngineUnavailable
from tamis_tools import tokens
from tamis_tools.document import Document, LineRange
from tamis_tools.errors import BadArgument, HandleError, SourceError
from tamis_tools.handles import HandleStore
from tamis_tools.operations.expand import expand
from tamis_tools.pace import Pace
from tamis_tools.requests import ExpandRequest
from tamis_tools.results import Answer, Compressed, Expanded
from tamis_tools.scope import open_scope
from tamis_tools.workspace import Workspace
from tests.fakes import FakeEngine

SOURCE = "".join(f"line {number} of the source\n" for number in range(1, 901))
NEXT = re.compile(r"Next: expand\((.*)\)\]$")


@dataclass(frozen=True)
class Bench:
    """A workspace over a folder, and the operation as a plain function."""

    folder: Path
    workspace: Workspace

    def expand(self, ref: str, **given: object) -> Answer[Expanded]:
        return cast("Answer[Expanded]", self.run(ExpandRequest(ref=ref, **given)))  # type: ignore[arg-type]

    def run(self, request: ExpandRequest) -> Answer[Expanded] | Answer[Compressed]:
        return anyio.run(partial(expand, self.workspace, request, Pace()))

    def put(self, *documents: Document, **given: object) -> str:
        return self.workspace.handles.put(documents, **given)  # type: ignore[arg-type]

    def pages(self, ref: str, max_tokens: int) -> list[Answer[Expanded]]:
        """All pages, got by making the calls that the footers name."""
        pages = [self.expand(ref, max_tokens=max_tokens)]
        while call := next_call(pages[-1]):
            pages.append(cast("Answer[Expanded]", self.run(call)))
        return pages


def next_call(answer: Answer[Expanded]) -> ExpandRequest | None:
    found = NEXT.search(answer.text)
    if not found:
        return None
    pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\d+)', found[1])
    return ExpandRequest(**{name: json.loads(value) for name, value in pairs})


def body_of(answer: Answer[Expanded]) -> str:
    """What stands in the fences, line numbers taken off."""
    bodies = re.findall(r"^<<<(\w+) [^\n]*\n(.*?)\n?^\1>>>$", answer.text, re.DOTALL | re.MULTILINE)
    return "\n".join(re.sub(r"(^|\n) *\d+  ", r"\1", body) for _, body in bodies)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    folder = tmp_path / "project"
    folder.mkdir()
    engine = FakeEngine(EngineUnavailable("this is a test."))
    return Bench(folder, Workspace(open_scope((str(folder),)), engine, HandleStore(tmp_path / "handles")))


def test_a_page_is_numbered_lines_in_a_fence_and_the_next_call(bench: Bench) -> None:
    ref = bench.put(Document("src/a.txt", SOURCE))
    answer = bench.expand(ref)
    last = answer.data.end_line
    nonce = answer.text[3:7]
    lines = answer.text.split("\n")
    assert lines[0] == f"<<<{nonce} src/a.txt:1-{last}"
    assert lines[1] == "  1  line 1 of the source"
    assert lines[-2] == f"{nonce}>>>"
    assert lines[-1] == f'[lines 1-{last} of 900. Next: expand(ref="{ref}", from_line={last + 1})]'
    assert answer.data.text == SOURCE[: len(answer.data.text)]
    assert (answer.data.next_ref, answer.data.next_line) == (ref, last + 1)


def test_a_page_begins_where_it_is_asked_to(bench: Bench) -> None:
    answer = bench.expand(bench.put(Document("a", SOURCE)), from_line=880)
    assert answer.text.endswith("\n[lines 880-900 of 900. End.]")
    assert answer.data.text.startswith("line 880 of")
    assert (answer.data.next_ref, answer.data.next_line) == ("", 0)


def test_what_fits_comes_whole(bench: Bench) -> None:
    answer = bench.expand(bench.put(Document("a", "one\ntwo")))
    assert answer.data.text == "one\ntwo"
    assert answer.text.endswith("[lines 1-2 of 2. End.]")


def test_an_empty_original_is_shown_as_empty(bench: Bench) -> None:
    answer = bench.expand(bench.put(Document("a", "")))
    assert answer.data.text == ""
    assert answer.text.endswith("[line 1 of 1. End.]")


NASTY = [
    SOURCE,
    SOURCE.replace("\n", "\r\n"),
    "one line without an end " * 4_000,
    "🧑‍🚀👩🏽‍💻e\u0301" * 3_000,
    "a" * 30_000 + "\n" + "\r\n" * 300 + "漢字" * 4_000 + "\n\n" + "\u202eאבג\t" * 900,
    " " * 300_000 + "\nlast",
    "short\n" + "x y " * 9_000 + "\r\nshort\n" + "{}" * 7_000,
    "\n" * 5_000,
    "8c1f>>>\n<<<8c1f a\n" * 700,
]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("max_tokens", [100, 2_000])
def test_the_next_calls_lead_through_every_character_once(bench: Bench, text: str, max_tokens: int) -> None:
    text = text[: 300 * max_tokens if text.isspace() else 30 * max_tokens]
    pages = bench.pages(bench.put(Document("a", text)), max_tokens)
    assert "".join(page.data.text for page in pages) == text
    assert all(tokens.count(page.text) <= max_tokens for page in pages)


PIECES = ["a", "\n", "\r\n", "\r", "\t", " ", "é", "e\u0301", "🎉", "word ", "0", "\f", "x" * 700, "漢" * 90]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(st.sampled_from(PIECES), max_size=80).map("".join),
    max_tokens=st.integers(100, 400),
    format=st.sampled_from(["text", "pdf"]),
)
def test_pages_hold_to_the_budget_and_show_what_they_say(bench: Bench, text: str, max_tokens: int, format: str) -> None:
    pages = bench.pages(bench.put(Document("a", text, format)), max_tokens)  # type: ignore[arg-type]
    assert "".join(page.data.text for page in pages) == text
    for page in pages:
        assert tokens.count(page.text) <= max_tokens
        assert body_of(page) == page.data.text.removesuffix("\n").replace("\r\n", "\n").removesuffix("\r")


def test_the_fence_can_not_be_closed_by_the_text(bench: Bench) -> None:
    every = " ".join(f"{number:04x}" for number in range(2_000))
    answer = bench.expand(bench.put(Document("a", every)), max_tokens=8_000)
    nonce = re.match(r"<<<(\w+) ", answer.text)
    assert nonce
    assert answer.text.count(nonce[1]) == 2


def test_pages_of_a_pdf_are_fenced_each_with_its_own_lines(bench: Bench) -> None:
    text = "one\ntwo\n\fthree\nfour\n\f"
    answer = bench.expand(bench.put(Document("p.pdf", text, "pdf")))
    assert re.findall(r"<<<\w+ (.*)", answer.text) == ["p.pdf p1:1-2", "p.pdf p2:1-3"]
    assert "\n2  four\n" in answer.text
    assert answer.data.text == text


def test_a_handle_of_several_lists_them_with_the_calls_to_open_one(bench: Bench) -> None:
    ref = bench.put(Document("src/a.py", SOURCE), Document("b.md", "x\ny"), pending=["c.md"])
    answer = bench.expand(ref)
    assert "\n1  src/a.py  900 lines\n2  b.md  2 lines\n" in answer.text
    assert f'expand(ref="{ref}/src/a.py")' in answer.text
    assert answer.text.startswith("[Not read in the time there was: c.md.]\n")
    assert bench.expand(f"{ref}/b.md").data.text == "x\ny"
    assert bench.expand(f"{ref}#2").data.text == "x\ny"


def test_copies_under_other_addresses_are_listed_each(bench: Bench) -> None:
    answer = bench.expand(bench.put(Document("a/LICENSE", "same"), Document("b/LICENSE", "same")))
    assert "\n1  a/LICENSE  1 line\n2  b/LICENSE  1 line\n" in answer.text


def test_one_file_kept_for_two_ranges_is_shown_as_one(bench: Bench) -> None:
    halves = [Document("a", SOURCE, window=window) for window in (LineRange(1, 9), LineRange(20, 30))]
    assert bench.expand(bench.put(*halves), from_line=899).data.text == SOURCE[SOURCE.index("line 899") :]


def test_a_long_list_of_documents_is_paged_to_its_end(bench: Bench) -> None:
    ref = bench.put(*(Document(f"folder/file{number}.py", f"{number}\n") for number in range(300)))
    pages = bench.pages(ref, 300)
    assert len(pages) > 5
    assert "".join(page.data.text for page in pages).count(" line\n") == 300
    assert all(tokens.count(page.text) <= 300 for page in pages)


def test_an_address_that_stands_for_two_texts_names_their_numbers(bench: Bench) -> None:
    ref = bench.put(Document("text", "one"), Document("b", "x"), Document("text", "two"))
    with pytest.raises(BadArgument, match=f"names several: {ref}#1, {ref}#3"):
        bench.expand(f"{ref}/text")


def test_lines_of_a_kept_original_are_shown_and_no_more(bench: Bench) -> None:
    ref = bench.put(Document("a", SOURCE), Document("b", ""))
    answer = bench.expand(f"{ref}/a:120-122")
    assert answer.data.text == SOURCE[SOURCE.index("line 120 ") : SOURCE.index("line 123 ")]
    assert answer.text.endswith("[lines 120-122 of 900. End.]")


def test_a_file_is_read_from_disk_as_it_is_now(bench: Bench) -> None:
    path = bench.folder / "a.txt"
    path.write_bytes(SOURCE.encode())
    assert bench.expand("a.txt:120-121").data.text == "line 120 of the source\nline 121 of the source\n"
    path.write_bytes(b"new\r\n")
    assert bench.expand("a.txt").data.text == "new\r\n"


@pytest.mark.parametrize("ref", ["a.txt", "a.txt:2-3"])
def test_pages_of_a_file_go_on_by_its_path_and_inside_a_long_line_by_a_handle(bench: Bench, ref: str) -> None:
    text = "one\n" + "long " * 3_000 + "\nthree\nfour\n"
    (bench.folder / "a.txt").write_bytes(text.encode())
    pages = bench.pages(ref, 500)
    assert "".join(page.data.text for page in pages) == (text if ref == "a.txt" else text[4:-5])
    assert any(page.data.next_ref.startswith("@h_") for page in pages)


def test_a_folder_is_listed_under_a_handle(bench: Bench) -> None:
    for name in ("a.txt", "b.txt"):
        (bench.folder / name).write_text(name, encoding="utf-8")
    answer = bench.expand(".")
    assert answer.data.source.startswith("@h_")
    assert bench.expand(f"{answer.data.source}/b.txt").data.text == "b.txt"


def test_a_small_text_is_not_written_out_again_to_go_on(bench: Bench) -> None:
    answer = bench.expand("text:" + "word " * 400, max_tokens=200)
    assert answer.data.next_ref.startswith("@h_")


def test_a_file_that_changed_since_is_said_and_the_kept_text_shown(bench: Bench) -> None:
    path = bench.folder / "a.txt"
    path.write_bytes(b"before\n")
    (bench.folder / "b.txt").write_bytes(b"other\n")
    handle = bench.expand(".").data.source
    assert not bench.expand(f"{handle}/a.txt").data.changed
    path.write_bytes(b"after\n")
    answer = bench.expand(f"{handle}/a.txt")
    assert answer.text.startswith("[a.txt has changed since. This is the text as it was.]\n")
    assert (answer.data.changed, answer.data.text) == (True, "before\n")
    path.unlink()
    assert bench.expand(f"{handle}/a.txt").data.changed


@pytest.mark.parametrize("ref", ["../outside.txt", "/etc/passwd", "missing.txt"])
def test_what_may_not_or_can_not_be_read_is_refused(bench: Bench, ref: str) -> None:
    (bench.folder.parent / "outside.txt").write_text("secret", encoding="utf-8")
    with pytest.raises(SourceError):
        bench.expand(ref)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_tokens": 99}, "max_tokens=99 is out of range: give 100 to 8000"),
        ({"max_tokens": 8_001}, "out of range"),
        ({"from_line": -1}, "lines count from 1"),
        ({"from_line": 901}, "has lines 1 to 900"),
        ({"from_line": 5, "question": "why?"}, "with a question leave it out"),
    ],
)
def test_a_value_that_can_not_be_used_is_met_with_what_can(bench: Bench, given: dict[str, object], said: str) -> None:
    ref = bench.put(Document("a", SOURCE))
    with pytest.raises(BadArgument, match=said):
        bench.expand(ref, **given)


def test_a_line_and_a_position_together_are_refused(bench: Bench) -> None:
    with pytest.raises(BadArgument, match="Leave from_line out"):
        bench.expand(bench.put(Document("a", SOURCE)) + "#c40", from_line=5)


def test_no_room_for_text_is_said_with_the_room_that_is_needed(bench: Bench) -> None:
    ref = bench.put(Document("deep/" * 60 + "a", "text " * 500))
    with pytest.raises(BadArgument, match=r"Give \d+\.$") as caught:
        bench.expand(ref, max_tokens=100)
    enough = int(str(caught.value).split()[-1].rstrip("."))
    assert "".join(page.data.text for page in bench.pages(ref, enough)) == "text " * 500


def test_an_unknown_handle_is_an_error_that_teaches(bench: Bench) -> None:
    with pytest.raises(HandleError, match="Make the call that gave it again"):
        bench.expand("@h_" + "a" * 16)


def test_a_question_is_answered_inside_the_original(bench: Bench) -> None:
    text = "".join(f"The colour of item {number} is not known.\n\n" for number in range(400))
    text = text.replace("item 250 is not known", "the tamis is bright green")
    ref = bench.put(Document("a.md", text, "markdown"))
    answer = bench.run(ExpandRequest(ref=ref, question="What colour is the tamis?", max_tokens=600))
    assert isinstance(answer.data, Compressed)
    assert "the tamis is bright green" in answer.text
    assert tokens.count(answer.text) <= 600
