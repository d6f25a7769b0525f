from __future__ import annotations

from pathlib import Path

import pytest

from tamis_evals.datasets import hotpotqa, musique, twowiki
from tamis_evals.datasets.paragraphs import Fact, Paragraph, from_sentences, from_text
from tamis_evals.haystacks.filler import Pool, fitting, haystack, laid
from tamis_evals.sample import Outcome, Sample
from tamis_evals.tasks.multihop import Multihop
from tamis_evals.tasks.task import Plan
from tamis_tools import tokens
from tests.evals.tiny_wikipedia import data

PLAN = Plan(lengths=(200, 600))


def asked(folder: Path, plan: Plan = PLAN, rivals: int = 0) -> dict[str, Sample]:
    return {sample.id: sample for sample in Multihop(rivals=rivals).samples(data(folder), plan)}


def texts(sample: Sample) -> list[str]:
    return [sample.text(passage) for passage in sample.evidence]


def test_a_label_still_names_its_sentence_when_a_blank_one_before_it_is_dropped(tmp_path: Path) -> None:
    (question,) = hotpotqa.questions(data(tmp_path))
    assert question.facts == (Fact(1, 1), Fact(2, 1))
    assert question.paragraphs[1].sentences[1] == "It was built by Ada Brook."


def test_questions_without_paragraphs_are_left_out(tmp_path: Path) -> None:
    assert [question.id for question in twowiki.questions(data(tmp_path))] == ["q2"]


def test_aliases_are_answers_and_hops_name_their_paragraph(tmp_path: Path) -> None:
    (question,) = musique.questions(data(tmp_path))
    assert question.answers == ("1862", "in 1862")
    assert [(hop.paragraph, hop.answer) for hop in question.hops] == [(2, "Ada Brook"), (1, "1862")]


def test_text_is_cut_into_sentences_and_put_on_one_line() -> None:
    paragraph = from_text("A  title", "One is here.\nTwo is there.")
    assert paragraph == Paragraph("A title", ("One is here.", "Two is there."))


def test_evidence_is_the_supporting_sentences(tmp_path: Path) -> None:
    found = asked(tmp_path)
    assert texts(found["hotpotqa-q1-200"]) == ["It was built by Ada Brook.", "She died in 1862."]


def test_evidence_is_whole_paragraphs_where_only_those_are_labelled(tmp_path: Path) -> None:
    found = asked(tmp_path)["musique-2hop__1_2-600"]
    assert texts(found)[0] == "Ada Brook was a wright. She died in 1862."


def test_a_haystack_has_the_tokens_that_it_is_named_after(tmp_path: Path) -> None:
    for sample in asked(tmp_path).values():
        length = sample.factors["length"]
        assert isinstance(length, int)
        assert length - 30 <= tokens.count(sample.sources[0].text) <= length


def test_filler_never_holds_the_answer_nor_a_title_of_the_question(tmp_path: Path) -> None:
    for sample in asked(tmp_path).values():
        text = sample.sources[0].text
        assert text.count("1862") == 1
        assert "Another text" not in text


def test_every_unit_is_what_the_file_holds_there(tmp_path: Path) -> None:
    sample = asked(tmp_path)["hotpotqa-q1-600"]
    for unit in sample.blocks:
        assert sample.text(unit.passage).startswith(unit.title + "\n")
    stood = [(unit.title, sample.text(unit.passage)) for unit in sample.sentences]
    assert ("Low Mill", "It was built by Ada Brook.") in stood
    assert ("Village 7", "They are white.") in stood or ("Village 8", "They are white.") in stood


def test_samples_are_the_same_in_every_run(tmp_path: Path) -> None:
    assert asked(tmp_path) == asked(tmp_path)


def test_places_differ_with_the_seed(tmp_path: Path) -> None:
    one, other = asked(tmp_path), asked(tmp_path, Plan(lengths=(200, 600), seed=23))
    assert any(one[name].evidence != other[name].evidence for name in one)


def test_distractors_are_rivals_and_more_come_from_the_pool(tmp_path: Path) -> None:
    plain = asked(tmp_path)["hotpotqa-q1-600"]
    assert [plain.text(rival) for rival in plain.rivals] == ["Old Quay is a quay in Haven. It was never built."]
    more = asked(tmp_path, rivals=1)["hotpotqa-q1-600-1-rivals"]
    assert "Rye is a grass. The mill grinds rye." in [more.text(rival) for rival in more.rivals]
    assert more.factors["rivals"] == 1


def test_distractors_give_way_where_the_length_is_short(tmp_path: Path) -> None:
    assert not asked(tmp_path, Plan(lengths=(10,)))["hotpotqa-q1-10"].rivals


def test_each_data_set_has_its_turn(tmp_path: Path) -> None:
    first = list(asked(tmp_path))[:3]
    assert [name.partition("-")[0] for name in first] == ["hotpotqa", "2wiki", "musique"]


def test_a_limit_holds_for_each_data_set(tmp_path: Path) -> None:
    assert len(asked(tmp_path, Plan(lengths=(200, 600), limit=1))) == 3


def test_a_quick_run_stays_short(tmp_path: Path) -> None:
    found = asked(tmp_path, Plan(quick=True, lengths=(200, 64_000)))
    assert {sample.factors["length"] for sample in found.values()} == {200}


def test_hops_kept_counts_the_sentence_that_tells_not_the_paragraph(tmp_path: Path) -> None:
    sample = asked(tmp_path)["musique-2hop__1_2-600"]
    told = [unit.passage for unit in sample.sentences if "She died" in sample.text(unit.passage)]
    values = Multihop().measure(sample, Outcome(passages=tuple(told), text="She died in 1862."))
    assert values["hops_kept"] == 0.5
    assert values["evidence_recall"] == 0
    assert values["answer_kept"] == 1


def test_hops_kept_is_not_defined_without_hops(tmp_path: Path) -> None:
    assert Multihop().measure(asked(tmp_path)["hotpotqa-q1-600"], Outcome())["hops_kept"] is None


def test_sentences_of_a_block_stand_where_it_says() -> None:
    block = laid(from_sentences("Title", ["One.", "Two."]))
    assert block.text == "Title\nOne. Two.\n\n"
    assert [block.text[start:end] for start, end in (block.body, *block.sentences)] == ["One. Two.", "One.", "Two."]


def test_own_paragraphs_are_found_again_among_the_filler() -> None:
    own = [Paragraph("A", ("Alpha.",)), Paragraph("B", ("Beta.",))]
    hay = haystack(own, [Paragraph(f"F{at}", ("Filler.",)) for at in range(9)], "seed")
    bodies = [hay.text[place.body.start : place.body.end] for place in hay.own]
    assert bodies == ["Alpha.", "Beta."]
    assert len(hay.blocks) == 11


def test_each_own_paragraph_may_stand_anywhere() -> None:
    own, filler = [Paragraph("A", ("Alpha.",))], [Paragraph("F", ("Filler",))] * 4
    seen = {haystack(own, filler, str(seed)).own[0].body.start for seed in range(60)}
    assert len(seen) == 5


def test_what_is_too_long_is_passed_over() -> None:
    short, long = Paragraph("A", ("One.",)), Paragraph("B", ("word " * 500,))
    assert fitting([long, short], laid(short).tokens) == [short]


@pytest.mark.parametrize("title", ["village 3", "Village 3"])
def test_titles_are_compared_whatever_their_case(title: str) -> None:
    pool = Pool.of([Paragraph("Village 3", ("Small.",)), Paragraph("Village 4", ("Large.",))])
    left = list(pool.harmless(range(2), [Paragraph(title, ("Mine.",))], ()))
    assert [paragraph.title for paragraph in left] == ["Village 4"]
