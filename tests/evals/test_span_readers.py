"""Readers of data sets whose evidence is spans of one document: each on a few rows of our own in its format."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tamis_evals.datasets import chunking, covid, evidence_inference, qmsum, swebench, whoandwhen
from tamis_evals.datasets.data import Data, DataMissing
from tamis_evals.datasets.labelled import Span
from tamis_evals.datasets.spans import Question, joined, lines, stripped


def write(folder: Path, path: str, content: str | bytes) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def table(rows: list[dict[str, str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def evidence(question: Question) -> list[str]:
    return [question.text[span.start : span.end] for span in question.spans]


def test_spans_that_overlap_become_one_and_neighbours_stay_two() -> None:
    assert joined([Span(8, 9), Span(2, 5), Span(0, 3), Span(5, 8)]) == (Span(0, 5), Span(5, 8), Span(8, 9))


def test_blanks_at_the_ends_of_a_span_fall_away() -> None:
    assert stripped("a  bc d", Span(1, 6)) == Span(3, 5)
    assert stripped("a   b", Span(1, 3)) == Span(3, 3)


def test_lines_are_numbered_as_an_editor_does() -> None:
    text = "one\n\nthree"
    assert [text[line.start : line.end] for line in lines(text)] == ["one", "", "three"]


def test_excerpts_of_a_corpus_are_its_evidence(tmp_path: Path) -> None:
    text = "Tea grows on hills. Coffee grows too. Salt does not."
    found = [{"content": "Tea grows on hills.", "start_index": 0, "end_index": 19}]
    rows = [{"question": "Where does tea grow?", "references": json.dumps(found), "corpus_id": "tea"}]
    write(tmp_path, "chunking-evaluation/questions_df.csv", table(rows))
    write(tmp_path, "chunking-evaluation/corpora/tea.md", text)
    (question,) = chunking.questions(Data(tmp_path))
    assert (question.name, question.cluster, evidence(question)) == ("tea.md", "tea", ["Tea grows on hills."])


def trial(folder: Path, annotations: list[dict[str, str]]) -> Data:
    article = "Pain fell with tea (p=0.01). Sleep was the same. Pain was less in the tea group."
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for number in ("7", "8"):
            member = tarfile.TarInfo(f"txt_files/PMC{number}.txt")
            member.size = len(article)
            archive.addfile(member, io.BytesIO(article.encode()))
    prompt = {"PromptID": "1", "PMCID": "7", "Outcome": "pain ", "Intervention": "tea", "Comparator": "water"}
    write(folder, "evidence-inference-v2/txt_files.tar.gz", packed.getvalue())
    write(folder, "evidence-inference-v2/splits/ev2_validation_article_ids.txt", "7\n")
    write(folder, "evidence-inference-v2/prompts_merged.csv", table([prompt, {**prompt, "PromptID": "2"}]))
    write(folder, "evidence-inference-v2/v2_annotations.csv", table(annotations))
    return Data(folder)


def annotation(start: int, end: int, **changes: str) -> dict[str, str]:
    row = {"PromptID": "1", "PMCID": "7", "Valid Label": "True", "Valid Reasoning": "True"}
    return {**row, "Evidence Start": str(start), "Evidence End": str(end), **changes}


def test_a_trial_is_asked_about_in_the_words_of_the_data_set(tmp_path: Path) -> None:
    (question,) = evidence_inference.questions(trial(tmp_path, [annotation(0, 28), annotation(49, 80)]))
    assert question.query == (
        "With respect to pain, characterize the reported difference between tea and those receiving water."
    )
    assert evidence(question) == ["Pain fell with tea (p=0.01).", "Pain was less in the tea group."]


@pytest.mark.parametrize(
    "row",
    [
        annotation(0, 28, **{"Valid Label": "False"}),
        annotation(0, 28, **{"Valid Reasoning": "False"}),
        annotation(-1, -1),
        annotation(0, 28, PMCID="8"),
    ],
    ids=["label refused", "reasoning refused", "not aligned", "not in the validation part"],
)
def test_an_annotation_that_does_not_count_asks_nothing(tmp_path: Path, row: dict[str, str]) -> None:
    assert list(evidence_inference.questions(trial(tmp_path, [row]))) == []


def paper(folder: Path, answer: str, start: int) -> Data:
    asked = {"id": 3, "question": "What  heals?", "answers": [{"text": answer, "answer_start": start}]}
    paragraph = {"context": "Tea heals. Salt does not. Tea heals.", "document_id": 9, "qas": [asked]}
    write(folder, covid.PATH, json.dumps({"data": [{"paragraphs": [paragraph]}]}))
    return Data(folder)


@pytest.mark.parametrize(("start", "found"), [(0, 0), (2, 0), (26, 26), (23, 26)])
def test_an_answer_a_few_characters_off_is_found_where_it_is(tmp_path: Path, start: int, found: int) -> None:
    (question,) = covid.questions(paper(tmp_path, " Tea heals. ", start))
    assert question.spans == (Span(found, found + 10),)
    assert (question.query, question.answers) == ("What heals?", ("Tea heals.",))


@pytest.mark.parametrize("answer", ["Coffee heals.", " "])
def test_an_answer_that_the_paper_does_not_hold_asks_nothing(tmp_path: Path, answer: str) -> None:
    assert list(covid.questions(paper(tmp_path, answer, 0))) == []


def test_turns_of_a_meeting_are_evidence_and_cuts(tmp_path: Path) -> None:
    said = [("Ann", "Tea ?\nNow ?"), ("Bo", "Yes ."), ("Ann", "Good .")]
    meeting = {
        "meeting_transcripts": [{"speaker": speaker, "content": words} for speaker, words in said],
        "specific_query_list": [{"query": "What did Bo say?", "answer": "Yes", "relevant_text_span": [["1", "2"]]}],
        "general_query_list": [{"query": "Summarise.", "answer": "Tea."}],
    }
    write(tmp_path, qmsum.PATH, json.dumps(meeting) + "\n")
    (question,) = qmsum.questions(Data(tmp_path))
    assert question.text == "Ann: Tea ? Now ?\nBo: Yes .\nAnn: Good .\n"
    assert evidence(question) == ["Bo: Yes .", "Ann: Good ."]
    assert len(question.cuts) == 3


def test_the_lines_of_a_fix_are_evidence_and_blank_ones_are_not(tmp_path: Path) -> None:
    file = {"path": "tea/pot.py", "text": "def pour():\n    return 1\n\n", "gold_lines": [2, 3]}
    rows = [
        {"id": "tea-1", "repo": "a/tea", "query": "Pot pours one.", "files": [file]},
        {"id": "tea-2", "repo": "a/tea", "query": "No gold.", "files": [{**file, "gold_lines": [3]}]},
    ]
    write(tmp_path, swebench.PATH, gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    (question,) = swebench.questions(Data(tmp_path))
    assert (question.name, question.cluster, evidence(question)) == ("pot.py", "a/tea", ["return 1"])


def trajectory(**changes: Any) -> str:
    history = [
        {"content": "Find the price.", "role": "human"},
        {"content": "It is 3.\n", "role": "assistant", "name": "Clerk"},
    ]
    row = {"question": "What is the price?", "ground_truth": "4", "history": history, "mistake_reason": "Misread."}
    return json.dumps({**row, "mistake_agent": "Clerk", "mistake_step": "1", **changes})


def test_the_step_that_was_blamed_is_the_evidence(tmp_path: Path) -> None:
    write(tmp_path, "who-and-when/Hand-Crafted/5.json", trajectory())
    (question,) = whoandwhen.questions(Data(tmp_path))
    assert question.text == "## Step 0: human\n\nFind the price.\n\n## Step 1: Clerk\n\nIt is 3.\n\n\n"
    assert (question.query, evidence(question)) == ("Which step made this fail: What is the price?", ["It is 3."])


@pytest.mark.parametrize("changes", [{"mistake_step": "0"}, {"mistake_step": "7"}], ids=["another agent's", "none"])
def test_a_label_that_contradicts_itself_asks_nothing(tmp_path: Path, changes: dict[str, str]) -> None:
    write(tmp_path, "who-and-when/Hand-Crafted/5.json", trajectory(**changes))
    assert list(whoandwhen.questions(Data(tmp_path))) == []


def test_a_folder_without_trajectories_is_missing_data(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="no trajectories"):
        next(whoandwhen.questions(Data(tmp_path)))
