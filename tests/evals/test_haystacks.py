from __future__ import annotations

import ast
import json
from random import Random

import pytest

from tamis_evals.haystacks.generate import FRAMES, MAKERS, POOL, haystack, pool
from tamis_evals.haystacks.grammar import Grammar, grammar
from tamis_evals.haystacks.needles import Kind, facts, overlap
from tamis_evals.haystacks.pieces import Frame, Piece, placed, shuffled
from tamis_evals.sample import Source
from tamis_tools.tokens import count

KINDS = tuple(MAKERS)
SEED = 11


def files(kind: Kind, tokens: int, turn: int = 0, coherent: bool = True) -> tuple[Source, ...]:
    return placed(haystack(kind, tokens, SEED, turn, coherent), [], FRAMES[kind])[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tokens", [1_000, 4_000, 16_000, 128_000])
def test_a_haystack_is_as_long_as_asked(kind: Kind, tokens: int) -> None:
    for turn in (0, 5):
        written = sum(count(source.text) for source in files(kind, tokens, turn))
        assert written == pytest.approx(tokens, rel=0.02, abs=120)


@pytest.mark.parametrize("kind", KINDS)
def test_a_longer_pool_begins_with_the_shorter_one(kind: Kind) -> None:
    short, long = pool(kind, SEED), pool(kind, SEED, POOL + 20_000)

    assert long.pieces[: len(short.pieces)] == short.pieces
    assert haystack(kind, 1_000, SEED, 3) == long.window(1_000, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_text_and_another_seed_another(kind: Kind) -> None:
    first = files(kind, 1_000)
    pool.cache_clear()

    assert files(kind, 1_000) == first
    assert placed(haystack(kind, 1_000, SEED + 1), [], FRAMES[kind])[0] != first


@pytest.mark.parametrize("kind", KINDS)
def test_hardly_any_text_stands_twice(kind: Kind) -> None:
    texts = [piece.text for piece in haystack(kind, 16_000, SEED) if not piece.fixed]

    assert len(set(texts)) > 0.9 * len(texts)


@pytest.mark.parametrize("kind", KINDS)
def test_every_slot_of_the_vocabulary_is_filled(kind: Kind) -> None:
    for piece in pool(kind, SEED).pieces:
        assert "<" not in piece.text.replace(" < ", "").replace(" <= ", ""), piece.text


@pytest.mark.parametrize("kind", KINDS)
def test_shuffling_keeps_the_texts_and_the_places(kind: Kind) -> None:
    coherent, other = haystack(kind, 4_000, SEED), haystack(kind, 4_000, SEED, coherent=False)

    assert sorted(piece.text for piece in other) == sorted(piece.text for piece in coherent)
    assert [piece.lead for piece in other] == [piece.lead for piece in coherent]
    assert [piece.text for piece in other] != [piece.text for piece in coherent]


@pytest.mark.parametrize("kind", KINDS)
def test_no_haystack_holds_an_answer_or_all_words_of_a_question(kind: Kind) -> None:
    texts = [piece.whole for piece in pool(kind, SEED).pieces]
    everything = "".join(texts).casefold()

    for fact in (fact for fact in facts() if fact.kind == kind):
        assert fact.answer.casefold() not in everything
        assert fact.bridge.casefold() not in everything
        assert max(overlap(fact.question, text) for text in texts) < 1.0


def test_what_a_tool_returns_is_json_whatever_is_put_in() -> None:
    found, spans = placed(haystack("json", 1_000, SEED), [(0, "One more."), (3, "And another.")], FRAMES["json"])

    notes = json.loads(found[0].text)["notes"]
    assert [note["note"] for note in notes if note["note"] in ("One more.", "And another.")] == [
        "One more.",
        "And another.",
    ]
    assert [found[0].text[span.start : span.end] for span in spans] == ["One more.", "And another."]


def test_modules_are_python_whatever_is_put_in() -> None:
    pieces = haystack("code", 16_000, SEED)
    extras = [(at, "CAP = 5  # as put in") for at in range(0, len(pieces), 7)]

    for source in placed(pieces, extras, FRAMES["code"])[0]:
        ast.parse(source.text)


def test_the_clock_of_a_log_never_goes_back() -> None:
    pieces = haystack("log", 128_000, SEED, turn=9)
    lines = placed(pieces, [(at, "one more") for at in range(0, len(pieces), 50)], FRAMES["log"])[0][
        0
    ].text.splitlines()

    stamps = [line.split()[0] for line in lines]
    assert stamps == sorted(stamps)
    assert all(line.split()[1] in ("INFO", "DEBUG", "WARN", "ERROR") for line in lines)


def test_pages_and_modules_are_files_of_their_own() -> None:
    assert {source.name[-3:] for source in files("docs", 16_000)} == {".md"}
    assert {source.name[-3:] for source in files("code", 16_000)} == {".py"}
    assert len(files("docs", 16_000)) > 5
    assert len(files("prose", 16_000)) == len(files("log", 16_000)) == len(files("json", 16_000)) == 1


def test_what_is_put_in_is_found_where_it_is_said_to_stand() -> None:
    pieces = [Piece("a.txt", "\n\n", "One."), Piece("a.txt", " ", "Two."), Piece("b.txt", "\n\n", "Three.")]

    sources, spans = placed(pieces, [(2, "Late."), (0, "Early."), (0, "Then.")], Frame("<", ">"))

    assert [source.text for source in sources] == ["<One. Early. Then. Two.>", "<Three. Late.>"]
    assert [(span.source, sources[span.source].text[span.start : span.end]) for span in spans] == [
        (1, "Late."),
        (0, "Early."),
        (0, "Then."),
    ]


def test_fixed_pieces_stay_where_they_are() -> None:
    pieces = [Piece("a.md", "", "# Title", fixed=True), *(Piece("a.md", " ", f"{number}.") for number in range(20))]

    other = shuffled(pieces, Random(1))

    assert other[0].text == "# Title"
    assert other != pieces


def test_a_phrase_takes_what_is_fixed_and_picks_the_rest() -> None:
    rules = Grammar({"line": ("<Who> has <2-4> <thing>s, <WHO>",), "who": ("ada",), "thing": ("dog",)})

    said = {rules.say(Random(seed), "line", {"thing": "cat"}) for seed in range(40)}

    assert said == {"Ada has 2 cats, ADA", "Ada has 3 cats, ADA", "Ada has 4 cats, ADA"}


def test_a_list_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="whom"):
        Grammar({"line": ("<whom>",)}).say(Random(1), "line")


@pytest.mark.parametrize("name", ["prose", "docs", "code", "log", "json"])
def test_no_phrase_of_a_vocabulary_stands_twice_in_its_list_by_mistake(name: str) -> None:
    for rule, phrases in grammar(name).rules.items():
        assert rule == "line" or len(set(phrases)) == len(phrases), rule
