"""What the reader is trained on: windows whose marks are where the answer is, and windows without it."""

import json
from dataclasses import replace

import pytest

from tamis_engine import embedded
from tamis_engine.compute.tokenizer_files import load_tokeniser
from tamis_engine.compute.tokens import Tokeniser
from training.reader_examples import FILES, Example, Examples, Part, batches, load

WORDS = "salt tea lamp gull mill rye quay loft barn cup fern moss clay reed wren"


@pytest.fixture(scope="module")
def tokeniser() -> Tokeniser:
    spec = embedded.spec()
    return load_tokeniser(replace(spec, text=replace(spec.text, max_tokens=384)))


def document(number: int) -> dict:
    """A page whose one sentence of note has a number of its own."""
    words = WORDS.split()
    prose = " ".join(f"The {word} by the {words[(at + number) % len(words)]} is old." for at, word in enumerate(words))
    answer = f"{number} goats"
    text = f"{prose} Farm {number} keeps {answer}. {prose}"
    asked = {
        "question": f"What does farm {number} keep?",
        "id": f"{number}",
        "answers": [
            {"text": f"keeps {answer}", "answer_start": text.index(f"keeps {answer}")},
            {"text": answer, "answer_start": text.index(answer)},
            {"text": answer, "answer_start": text.index(answer)},
        ],
    }
    return {"title": f"Farm {number}", "paragraphs": [{"context": text, "qas": [asked]}]}


@pytest.fixture(scope="module")
def parts(tokeniser: Tokeniser, tmp_path_factory: pytest.TempPathFactory) -> tuple[Part, Part]:
    folder = tmp_path_factory.mktemp("data")
    for place, path in enumerate(FILES):
        documents = [document(100 * place + number) for number in range(100, 140)]
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(json.dumps({"data": documents}), encoding="utf-8")
    return load(folder, tokeniser)


@pytest.fixture(scope="module")
def made(parts: tuple[Part, Part], tokeniser: Tokeniser) -> list[Example]:
    return [make() for epoch in range(4) for make in Examples(parts[0], tokeniser, 1).epoch(epoch)]


def test_a_document_is_trained_on_or_held_out_and_never_both(parts: tuple[Part, Part]) -> None:
    trained, held_out = ({paragraph.text for paragraph in part.paragraphs} for part in parts)
    assert trained
    assert held_out
    assert not trained & held_out
    assert len(trained) + len(held_out) == 120


def test_the_answer_is_what_most_annotators_marked(parts: tuple[Part, Part]) -> None:
    assert all(question.answer.endswith("goats") for question in parts[0].questions)
    assert not any(question.answer.startswith("keeps") for question in parts[0].questions)


def answer_of(example: Example, tokeniser: Tokeniser) -> list[int]:
    """The number in its question, and goats."""
    frame, goats = (tokeniser.parts([text])[0].ids for text in ("What does farm keep?", "goats"))
    asked = example.piece.ids[1 : example.piece.notes.at - 1]
    return [*(id_ for id_ in asked if id_ not in frame), *goats]


def test_the_marks_are_at_the_answer(made: list[Example], tokeniser: Tokeniser) -> None:
    answered = [example for example in made if example.first]
    for example in answered:
        assert example.piece.ids[example.first : example.last + 1] == answer_of(example, tokeniser)
    assert len({len(example.piece.ids) for example in answered}) > 20


def test_a_window_without_an_answer_is_marked_at_its_first_token_and_does_not_hold_it(
    made: list[Example], tokeniser: Tokeniser
) -> None:
    without = [example for example in made if not example.first]
    assert 0.2 < len(without) / len(made) < 0.4
    for example in without:
        read, answer = (" ".join(map(str, ids)) for ids in (example.piece.ids, answer_of(example, tokeniser)))
        assert example.last == 0
        assert f" {answer} " not in f" {read} "


def test_no_window_is_longer_than_the_model_reads(made: list[Example]) -> None:
    assert max(len(example.piece.ids) for example in made) <= 384


def test_the_same_seed_makes_the_same_examples(parts: tuple[Part, Part], tokeniser: Tokeniser) -> None:
    once, again, other = ([make() for make in Examples(parts[0], tokeniser, seed).epoch(2)] for seed in (1, 1, 2))
    assert once == again
    assert once != other


def test_batches_hold_every_example_once_and_no_more_tokens_than_asked(
    parts: tuple[Part, Part], tokeniser: Tokeniser
) -> None:
    made = Examples(parts[0], tokeniser, 1).epoch(0)
    groups = list(batches(made, 1_000, pool=50))
    assert sum(map(len, groups)) == len(made)
    assert all(len(group) * max(len(example.piece.ids) for example in group) <= 1_000 for group in groups)
