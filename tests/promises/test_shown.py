"""What is shown is the source word for word, within a budget that holds, and counted: promises 1 to 3."""

from __future__ import annotations

import json
import re
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis_mcp_server.tools import TOOLS
from tamis_tools import tokens
from tamis_tools.document import Document, Span
from tamis_tools.operations.extract import _verified
from tamis_tools.operations.rerank import rerank
from tamis_tools.requests import RerankRequest
from tamis_tools.segments import segment
from tests.promises.asking import QUERY, ask, fences, paragraph, told, where, word
from tests.tools.fakes import call, write

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_tools.workspace import Workspace


@pytest.mark.parametrize("tool", TOOLS, ids=attrgetter("name"))
def test_every_tool_takes_references_and_none_takes_a_text(tool: Any) -> None:
    names = set(tool.arguments.model_fields)
    assert names & {"sources", "ref"}
    assert not names & {"text", "texts", "content", "documents", "passages"}


ODD = st.lists(
    st.sampled_from(
        [
            *("falcon", "The falcon eats. ", "\t", " ", "   ", "é", "e\u0301", "🦅", "👩\u200d💻", "صقر. ", "鷹。"),
            *("\n", "\r\n", "\n\n", "\r\n\r\n", "\r", "\u2028", "\ufffd", "x" * 400, "# T\n", "- a\n", "…3\n"),
        ]
    ),
    max_size=60,
).map("".join)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(ODD, min_size=1, max_size=3), detail=st.sampled_from(["verbatim", "outline"]))
def test_what_an_agent_reads_is_the_source_word_for_word_at_the_lines_it_is_told(
    place: Workspace, texts: list[str], detail: str
) -> None:
    root = place.scope.roots[0]
    for number, text in enumerate(texts):
        (root / f"{number}.md").write_bytes(f"falcon\n{text}\nend".encode())
    answer = ask(place, *(f"{number}.md" for number in range(len(texts))), detail=detail)
    assert answer.data.slices
    for piece in answer.data.slices:
        text = (root / piece.source).read_bytes().decode()
        assert text[piece.start : piece.end] == piece.text
        assert piece.start_line == text.count("\n", 0, piece.start) + 1
        assert piece.end_line == text.count("\n", 0, piece.end - 1) + 1
    assert fences(answer.text) == told(answer.data.slices)


SOME_BYTES = st.lists(
    st.sampled_from([b"\xff", b"\xc3", b"\xe9t\xe9 ", b"\x80\n", "é".encode(), b"\xf0\x9f", b"a\r\n"])
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=SOME_BYTES)
def test_bytes_that_are_no_text_move_no_offset(place: Workspace, pieces: list[bytes]) -> None:
    data = b"The falcon eats.\n" * 9 + b"".join(pieces)
    (place.scope.roots[0] / "odd.txt").write_bytes(data)
    answer = ask(place, "odd.txt", budget_tokens=4_000)
    (document,) = place.handles.get(answer.data.handle).documents
    assert document.text == data.decode(document.encoding, errors="replace")
    assert "".join(piece.text for piece in answer.data.slices) == document.text


@pytest.mark.parametrize("value", [Span(0, 3), Span(30, 34), Span(12, 12)])
def test_a_value_that_its_quote_does_not_hold_is_a_bug_and_not_an_answer(value: Span) -> None:
    document = Document("a.md", "one two three four five six seven eight")
    with pytest.raises(RuntimeError, match=r"a quote for f is not in a\.md:1"):
        _verified(document, "f", value, Span(8, 18), 1.0)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(budget=st.integers(100, 900), stem=st.sampled_from(["a", "a_long-name.of/" * 9 + "a", "Жω" * 20]))
def test_the_budget_holds_however_much_the_names_of_the_sources_cost(
    place: Workspace, tmp_path: Path, budget: int, stem: str
) -> None:
    write(tmp_path, {f"{stem}{number}.md": "".join(map(paragraph, range(number, number + 3))) for number in range(12)})
    answer = ask(place, "**/*.md", budget_tokens=budget)
    assert tokens.count(answer.text) <= budget


@pytest.mark.parametrize("detail", ["verbatim", "outline"])
def test_of_a_line_that_is_larger_than_the_budget_a_part_is_shown(
    place: Workspace, tmp_path: Path, detail: str
) -> None:
    write(tmp_path, {"long.txt": "falcon " + " ".join(word(number) for number in range(2_000))})
    answer = ask(place, "long.txt", query="falcon", budget_tokens=100, detail=detail)
    assert tokens.count(answer.text) <= 100
    assert answer.data.slices[0].text.startswith("falcon")


def test_the_footer_counts_what_was_kept_and_left_out(place: Workspace, tmp_path: Path) -> None:
    texts = {"a.md": "".join(map(paragraph, range(160))), "b.md": "".join(map(paragraph, range(160, 200)))}
    write(tmp_path, texts)
    answer = ask(place, *texts, detail="locations", budget_tokens=1_000)
    segments = sum(len(segment(Document("", text, "markdown"))) for text in texts.values())
    read = sum(map(tokens.count, texts.values()))
    data = answer.data
    footer = answer.text.splitlines()[-1]
    assert 0 < len(data.slices) < segments
    assert data.omitted.segments == segments - len(data.slices)
    assert data.omitted.tokens == read - sum(tokens.count(piece.text) for piece in data.slices)
    assert footer.startswith(
        f"[Kept {len(data.slices)} of {segments} segments within 1,000 tokens; read 2 sources, {read:,} tokens. "
    )
    assert f'More: compress(cursor="{data.handle}"), or expand(ref="{data.handle}", question="…").]' in footer
    following = re.search(r"Next best: (\w\.md:[\d-]+) \(", footer)
    assert following
    assert following[1] not in {f"{piece.source}:{where(piece)}" for piece in data.slices}


def test_the_footer_of_all_that_there_is_counts_it(place: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "The falcon eats.\n", "b.md": "The mole sleeps.\n"})
    answer = ask(place, "a.md", "b.md")
    read = tokens.count("The falcon eats.\n") + tokens.count("The mole sleeps.\n")
    assert answer.text.endswith(f"\n[Everything is shown: 2 sources, {read} tokens. Kept as {answer.data.handle}.]")


def test_json_of_compress_and_rerank_has_the_documented_keys(place: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "".join(map(paragraph, range(40)))})
    found = json.loads(ask(place, "a.md").data.model_dump_json())
    documented = {"query", "budget_tokens", "tokens", "slices", "omitted", "answered", "handle", "timings"}
    assert set(found) == documented | {"cursor", "notes"}
    assert set(found["omitted"]) == {"segments", "tokens"}
    keys = {"source", "start_line", "end_line", "start", "end", "score", "tokens", "text"}
    assert [set(piece) for piece in found["slices"]] == [keys] * len(found["slices"])
    assert list(found["timings"]) == ["read", "cut", "rank", "select", "total"]
    assert [piece["tokens"] for piece in found["slices"]] == [tokens.count(piece["text"]) for piece in found["slices"]]
    ranked = json.loads(call(rerank, place, RerankRequest(sources=("a.md",), query=QUERY)).data.model_dump_json())
    assert set(ranked) == {"results", "answered", "notes"}
    assert set(ranked["results"][0]) == {"source", "start_line", "end_line", "score", "preview"}
