"""Published figures are taken again from the files that hold them."""

from __future__ import annotations

from pathlib import Path

from tamis_evals.datasets.data import Data
from tamis_evals.reference.chroma import Answers, gap

HEADER = "custom_id,token_count,question,answer,output,llm_judge_output\n"


def test_the_gap_is_over_the_questions_that_were_asked_both_ways(tmp_path: Path) -> None:
    folder = tmp_path / "chroma-context-rot"
    folder.mkdir()
    focused = "a,100,q,x,x,true\nb,200,q,x,x,true\nc,300,q,x,y,false\nd,5,q,x,x,true\n"
    full = "a,1000,q,x,x,True\nb,2000,q,x,y,False\nc,3000,q,x,x,True\n"
    (folder / "gpt_4_1_longmemeval_focused_evaluated.csv").write_text(HEADER + focused)
    (folder / "gpt_4_1_longmemeval_full_evaluated.csv").write_text(HEADER + full)
    found = gap(Data(tmp_path))
    assert (found.focused, found.full) == (Answers(2, 3, 200), Answers(2, 3, 2000))
    assert (found.lost, found.gained, found.p) == (1, 1, 1.0)
