"""HTML is cut into what a reader sees, with offsets into the source."""

from collections.abc import Callable
from typing import Any

from tamis_tools.document import Document
from tamis_tools.segments import ranking_text, segment

Cut = Callable[..., list[Any]]

PAGE = """<!doctype html><html><head><title>Page</title><style>p { color: red }</style></head>
<body><!-- not seen, and much too long to stand between two words -->
<h1>Rivers &amp; lakes</h1>
<p class="a > b">Water <b>flows</b> down<!-- --> hill.</p>
<script>if (a < b) { document.write("<p>no</p>") }</script>
<h2>Lakes</h2>
<ul><li>Big<li>Small &nbsp;</ul>
<table><tr><th>name</th><th>km</th></tr><tr><td>Nile</td><td>6650</td></tr></table>
<pre>
  one
    two</pre>
Loose text<div>In a box</div>
</body></html>"""


def test_blocks_of_html_are_segments_below_their_headings(cut: Cut) -> None:
    pieces = {piece.text: piece for piece in cut(PAGE, "html")}
    assert list(pieces) == [
        "Page",
        "Rivers &amp; lakes",
        "Water <b>flows</b> down<!-- --> hill.",
        "Lakes",
        "Big",
        "Small",
        "name</th><th>km",
        "Nile</td><td>6650",
        "  one\n    two",
        "Loose text",
        "In a box",
    ]
    assert pieces["Small"].context == ("Rivers &amp; lakes", "Lakes")
    assert pieces["Nile</td><td>6650"].context == ("Rivers &amp; lakes", "Lakes", "name</th><th>km")


def test_the_text_to_rank_html_by_has_no_markup() -> None:
    document = Document("d", PAGE, "html")
    texts = [ranking_text(document, one) for one in segment(document)]
    assert "Rivers & lakes\nWater flows down hill." in [" ".join(text.split(" ")).replace("  ", " ") for text in texts]
    assert not any(mark in text for text in texts for mark in ("<", "&amp;", "script", "color"))


def test_a_long_paragraph_of_html_is_cut_between_sentences_and_never_inside_a_tag(cut: Cut) -> None:
    sentence = 'This sentence has <a href="https://example.org/a. B. C.">a link</a> and a dozen other words in it. '
    pieces = cut(f"<p>{sentence * 20}</p>", "html")
    assert len(pieces) == 20
    assert {piece.text for piece in pieces} == {sentence.strip()}


def test_what_is_opened_and_never_closed_hides_nothing(cut: Cut) -> None:
    assert [piece.text for piece in cut("<p>one<script>two<!-- three", "html")] == ["one", "two<!-- three"]


def test_text_with_stray_brackets_is_all_there(cut: Cut) -> None:
    assert "".join(piece.text for piece in cut("a < b and <3 and <a href=x", "html")) == "a < b and <3 and <a href=x"
