from __future__ import annotations

from pathlib import Path

import pytest

from tamis_evals.datasets import cookbook, pubmedqa, scifact
from tamis_evals.datasets.cookbook import language_suffix
from tests.evals.folder_of_data import everything


def test_strings_without_commas_between_them_stay_apart(tmp_path: Path) -> None:
    paper = scifact.abstracts(everything(tmp_path))[0]
    assert paper.sentences == ("Salt kept mice awake.", "It didn't wake rats.", "Doses were +/-", "2 mg.")


def test_an_escaped_quote_ends_no_string() -> None:
    assert scifact.strings(r"""['the mice\'s sleep' "a \"dose\""]""") == ("the mice's sleep", 'a "dose"')


def test_a_claim_with_several_rationales_is_asked_once(tmp_path: Path) -> None:
    claims = scifact.claims(everything(tmp_path))
    assert [(claim.id, claim.cited) for claim in claims] == [("1", ("11",)), ("4", ("12", "11"))]


def test_golden_chunks_are_chunks_of_the_code(tmp_path: Path) -> None:
    data = everything(tmp_path)
    chunks = {chunk.id: chunk for chunk in cookbook.code(data)}
    golden = cookbook.code_questions(data)[0].golden
    assert [chunks[name].text for name in golden] == ["fn main() {}"]
    assert [chunk.name for chunk in chunks.values()] == ["doc_1/chunk_0.rs", "doc_1/chunk_1.rs"]


def test_a_section_is_a_file_in_the_folder_of_its_page(tmp_path: Path) -> None:
    assert [chunk.name for chunk in cookbook.docs(everything(tmp_path))] == ["docs/a/b/start.md", "api/c/index.md"]


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("/* licence */\npackage com.boats;\nimport java.util.List;\n", ".java"),
        ("#pragma once\n#include <map>\n", ".cpp"),
        ("# licence\nfrom boats import Boat\ndef sail(): ...\n", ".py"),
        ("use std::io;\nimpl Boat {\n  fn sail() {}\n}\n", ".rs"),
        ("Dear all,\nthe boat sails at noon.\n", ".txt"),
    ],
)
def test_code_is_named_by_how_its_lines_begin(text: str, suffix: str) -> None:
    assert language_suffix(text) == suffix


def test_neither_the_title_nor_the_conclusion_is_in_the_abstract(tmp_path: Path) -> None:
    papers = pubmedqa.read(everything(tmp_path))
    assert papers[2].text == "Dose 2 was given.\n\n2 of ten got well.\n"
    assert [paper.test for paper in papers] == [True, True, True, False]
