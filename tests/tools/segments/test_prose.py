"""Text and Markdown are cut into sentences below their headings."""

from collections.abc import Callable
from typing import Any

import pytest

from tamis_tools.document import LineRange

Cut = Callable[..., list[Any]]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_hard_wrapped_lines_belong_together(cut: Cut, newline: str) -> None:
    text = newline.join(
        [
            "The first sentence goes on over",
            "two lines of text. The second, e.g.",
            "this one, as well as all that follows.",
            "",
        ]
    )
    assert [piece.text for piece in cut(text, "text")] == [
        f"The first sentence goes on over{newline}two lines of text.",
        f"The second, e.g.{newline}this one, as well as all that follows.",
    ]


def test_sentences_share_the_block_of_their_paragraph(cut: Cut) -> None:
    paragraph = "The first sentence is about as long as this. The second sentence is no shorter than that."
    pieces = cut(f"{paragraph}\n\nAnother paragraph.", "text")
    assert [piece.block for piece in pieces] == [paragraph, paragraph, "Another paragraph."]


def test_short_sentences_go_together(cut: Cut) -> None:
    text = "No. Never! It was a long and rather cold evening in November. Yes."
    assert [piece.text for piece in cut(text, "text")] == [text]


def test_sentences_are_found_in_a_paragraph_longer_than_is_looked_at_once(cut: Cut) -> None:
    sentences = [f"Sentence number {number} of this text has a handful of words." for number in range(200)]
    assert [piece.text for piece in cut(" ".join(sentences), "text")] == sentences


@pytest.mark.parametrize("heading", ["CHAPTER IV", "Chapter 4. The Sea", "4.1 The sea", "THE SEA", "The sea\n-------"])
def test_headings_stand_above_what_follows(cut: Cut, heading: str) -> None:
    pieces = cut(f"PART ONE\n\n{heading}\n\nThe sea was calm.", "text")
    assert pieces[-2].kind == "heading"
    assert pieces[-1].context == ("PART ONE", heading)


def test_items_of_a_list_without_blank_lines_are_paragraphs(cut: Cut) -> None:
    text = "Bring these:\n- a rope\n  of ten metres\n- a lamp\n1. or two"
    assert [piece.text for piece in cut(text, "text")] == [
        "Bring these:",
        "- a rope\n  of ten metres",
        "- a lamp",
        "1. or two",
    ]


def test_a_page_of_a_pdf_ends_a_paragraph(cut: Cut) -> None:
    assert [piece.text for piece in cut("one page\ftwo pages\f", "pdf")] == ["one page", "two pages"]


def test_only_the_window_is_cut(cut: Cut) -> None:
    text = "One.\n\nTwo.\n\nThree.\n"
    assert [piece.text for piece in cut(text, "text", window=LineRange(3, 4))] == ["Two."]


MARKDOWN = """---
title: x
---
# Guide

Intro of the guide, which is a sentence of its own. And then there is this second one.

## Install

Some words
> quoted

```sh
pip install x

## not a heading
```

| name | use |
|------|-----|
| a    | one |
| b    | two |

### Deep

* first item that is long enough to stand alone
  and goes on
  * nested item that is long enough to stand alone
* a
* b
* c

## Other

Last words.
"""


def test_markdown_stands_below_its_headings(cut: Cut) -> None:
    context = {piece.text: piece.context for piece in cut(MARKDOWN, "markdown")}
    assert context["Some words"] == ("# Guide", "## Install")
    assert context["### Deep"] == ("# Guide", "## Install")
    assert context["Last words."] == ("# Guide", "## Other")
    assert context["---\ntitle: x\n---"] == ()


def test_a_fence_is_one_segment_with_its_marks(cut: Cut) -> None:
    fence = next(piece for piece in cut(MARKDOWN, "markdown") if piece.kind == "code")
    assert fence.text == "```sh\npip install x\n\n## not a heading\n```"
    assert fence.block == fence.text


def test_a_long_fence_is_cut_at_a_blank_line(cut: Cut) -> None:
    part = "do_something_with(everything)\n" * 30 + "\n"
    pieces = cut(f"```\n{part}{part}```\n", "markdown")
    assert [piece.text.count("do_") for piece in pieces] == [30, 30]


def test_a_row_of_a_table_stands_below_its_header(cut: Cut) -> None:
    rows = [piece for piece in cut(MARKDOWN, "markdown") if piece.kind == "row"]
    header = "| name | use |\n|------|-----|"
    assert [piece.text for piece in rows] == [header, "| a    | one |", "| b    | two |"]
    assert rows[1].context == ("# Guide", "## Install", header)
    assert rows[1].block.startswith(header)


def test_an_item_is_one_segment_and_short_ones_go_together(cut: Cut) -> None:
    assert [piece.text for piece in cut(MARKDOWN, "markdown") if piece.context[-1:] == ("### Deep",)] == [
        "* first item that is long enough to stand alone\n  and goes on",
        "* nested item that is long enough to stand alone",
        "* a\n* b\n* c",
    ]


def test_markdown_rows_are_right_with_lone_returns_and_separators(cut: Cut) -> None:
    pieces = cut("# A\r\n\r\none\rline\u2028of\x0ctext\r\n\r\n## B\r\n\r\ntwo", "markdown")
    assert [piece.text for piece in pieces] == ["# A", "one\rline\u2028of\x0ctext", "## B", "two"]


RUNNING = "He kept goal for twenty years, in four countries, and was captain of the side that won all in one spring."


def test_the_first_line_of_a_paragraph_is_its_title_where_it_names_the_text_below(cut: Cut) -> None:
    title, first, second = cut(f"Peter Harbourside\n{RUNNING} Later he taught.", "text")
    assert (title.text, title.kind) == ("Peter Harbourside", "heading")
    assert first.context == second.context == ("Peter Harbourside",)
    assert title.block == first.block == f"Peter Harbourside\n{RUNNING} Later he taught."


@pytest.mark.parametrize(
    "first",
    [
        "It was late.",
        "and so they went,",
        "a line of text that was broken to fit the page and is as long as the others",
    ],
)
def test_a_line_that_is_a_part_of_the_text_is_no_title(cut: Cut, first: str) -> None:
    assert all(piece.context == () for piece in cut(f"{first}\n{RUNNING}", "text"))


def test_broken_lines_have_no_title(cut: Cut) -> None:
    assert all(piece.kind == "sentence" for piece in cut("A short line\nand one more below\nand the last one.", "text"))


def _talk(turns: int) -> str:
    said = (
        "I think that the budget for the remote control is too small.",
        "Yes.",
        "Who has counted them?",
    )
    return "".join(f"{('Ada', 'Project Manager', 'Cy')[n % 3]}: {said[n % 3]}\n" for n in range(turns))


def test_a_talk_is_one_block_and_short_turns_go_together(cut: Cut) -> None:
    pieces = cut(_talk(12), "text")
    assert {piece.kind for piece in pieces} == {"turn"}
    assert {piece.block for piece in pieces} == {_talk(12).strip()}
    assert pieces[0].text.startswith("Ada: I think")
    assert "".join(piece.text + "\n" for piece in pieces).split() == _talk(12).split()


def test_a_few_keys_with_colons_are_no_talk(cut: Cut) -> None:
    keys = "\n".join(f"Key{n}: value number {n} of the settings" for n in range(20))
    assert "turn" not in {piece.kind for piece in cut(keys, "text")}
    assert "turn" not in {piece.kind for piece in cut(_talk(6), "text")}
