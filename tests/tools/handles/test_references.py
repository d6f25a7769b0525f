from pathlib import Path

import pytest

from tamis_tools.document import Document, LineRange
from tamis_tools.errors import BadArgument, HandleError
from tamis_tools.handles import HandleStore, recall, resolve

LINES = "".join(f"line {number}\n" for number in range(1, 31))
DOCUMENTS = [
    Document("src/app.py", LINES, "code"),
    Document("/abs/notes.md", "# Notes\n", "markdown"),
    Document("odd#c5:1-2", LINES),
    Document("src/twice.py", LINES, window=LineRange(1, 5)),
    Document("src/twice.py", LINES, window=LineRange(9, 12)),
    Document("text", "one"),
    Document("text", "two"),
    Document("a.pdf", "one\ntwo\n\fthree\nfour\n\f", "pdf"),
]


@pytest.fixture
def store(tmp_path: Path) -> HandleStore:
    return HandleStore(tmp_path / "handles")


@pytest.fixture
def handle(store: HandleStore) -> str:
    return store.put(DOCUMENTS)


def test_a_handle_alone_is_all_of_its_documents(store: HandleStore, handle: str) -> None:
    assert list(recall(store)(handle)) == DOCUMENTS


@pytest.mark.parametrize(
    ("rest", "number"),
    [("/src/app.py", 0), ("//abs/notes.md", 1), ("/odd#c5:1-2", 2), ("#1", 0), ("#7", 6), ("/src/app.py#c7", 0)],
)
def test_one_document_is_named_by_address_or_number(store: HandleStore, handle: str, rest: str, number: int) -> None:
    assert list(recall(store)(handle + rest)) == [DOCUMENTS[number]]


@pytest.mark.parametrize("rest", ["/src/app.py:3-9", "#1:3-9", "#1:3-9#c40"])
def test_lines_of_a_kept_document_are_its_window(store: HandleStore, handle: str, rest: str) -> None:
    (document,) = recall(store)(handle + rest)
    assert document.window == LineRange(3, 9)
    assert document.text == LINES


def test_a_position_is_taken_apart_from_the_rest(store: HandleStore, handle: str) -> None:
    target = resolve(store, f"{handle}/src/app.py:7#c50")
    assert (target.ref, target.lines, target.at) == (f"{handle}/src/app.py:7", LineRange(7, 7), 50)


def test_the_same_text_under_one_address_counts_as_one(store: HandleStore, handle: str) -> None:
    assert len(recall(store)(f"{handle}/src/twice.py")) == 2
    assert resolve(store, f"{handle}/src/twice.py").single == DOCUMENTS[3]
    assert resolve(store, f"{handle}/text").single is None


def test_an_address_that_is_not_there_is_met_with_the_near_one(store: HandleStore, handle: str) -> None:
    with pytest.raises(HandleError, match=f"holds nothing named '/src/ap.py'. Did you mean {handle}/src/app.py"):
        resolve(store, f"{handle}/src/ap.py")


@pytest.mark.parametrize("rest", ["/zzzzzz", "#0", "#9", "/", "/../../etc/passwd", "#c5#c6", "#x"])
def test_what_is_not_there_is_met_with_what_is(store: HandleStore, handle: str, rest: str) -> None:
    with pytest.raises(HandleError, match=r"It holds src/app\.py, .* and 3 more\."):
        resolve(store, handle + rest)


def test_a_handle_of_nothing_says_so(store: HandleStore) -> None:
    with pytest.raises(HandleError, match="holds no documents"):
        recall(store)(store.put([]))


@pytest.mark.parametrize("rest", ["#1:0", "#1:9-3", "#1:31", "#1:31-40", "#1#c300", ":1-2", "#c5"])
def test_a_place_that_is_not_there_is_said(store: HandleStore, handle: str, rest: str) -> None:
    with pytest.raises(
        BadArgument, match=r"past the end: the last line is 30|Did you mean|past its end|need one of them"
    ):
        resolve(store, handle + rest)


@pytest.mark.parametrize(
    ("rest", "lines"),
    [
        ("/a.pdf p2", (3, 5)),
        ("/a.pdf:p2", (3, 5)),
        ("/a.pdf#page=2", (3, 5)),
        ("/a.pdf p1:2-4", (2, 4)),
        ("#8 p2:1-2", (3, 4)),
        ("/src/app.py#L3-L9", (3, 9)),
    ],
)
def test_a_place_is_named_as_it_is_printed(store: HandleStore, handle: str, rest: str, lines: tuple[int, int]) -> None:
    (document,) = recall(store)(handle + rest)
    assert document.window == lines


def test_a_page_of_a_handle_of_one_document_needs_no_address(store: HandleStore) -> None:
    handle = store.put(DOCUMENTS[-1:])
    target = resolve(store, f"{handle} p2#c13")
    assert (target.ref, target.whole, target.lines, target.at) == (f"{handle} p2", handle, (3, 5), 13)
    with pytest.raises(BadArgument, match="its pages go from 1 to 2"):
        resolve(store, f"{handle} p3")
