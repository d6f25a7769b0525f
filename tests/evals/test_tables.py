"""What each table says of records whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from tamis_evals.records import Record
from tamis_evals.report.figures.heat import grid
from tamis_evals.report.frame import Frame, Place, read
from tamis_evals.report.headlines import Headline, headline, marked
from tamis_evals.report.table import Table
from tamis_evals.report.tables.ablation import ablation
from tamis_evals.report.tables.abstention import abstention
from tamis_evals.report.tables.costs import failures, tokens
from tamis_evals.report.tables.length import harmless, recovered, slopes
from tamis_evals.report.tables.needles import rivals
from tamis_evals.report.tables.overview import overview, versus
from tamis_evals.report.tables.primary import primary
from tests.evals.made import at_1k, reading, record, scored

SWEPT = [1_000, 128_000]


def frame(*groups: list[Record]) -> Frame:
    """Of the records of a run at two lengths."""
    return read([each for group in groups for each in group], SWEPT)


def cells(table: Table, row: int = 0) -> dict[str, str]:
    """What a row shows, by column."""
    return {name: cell.text for name, cell in zip(table.columns, table.rows[row], strict=True)}


def test_a_failed_record_is_not_counted_as_zero_but_counted_as_failed() -> None:
    lost = [record(f"q{number}", "ours", None, metrics={}, failed="timeout") for number in range(8, 10)]
    found = frame(scored("ours", 6, 8), lost, scored("bm25-sentences", 5, 10))
    assert cells(overview(found))["ours"] == "75.0"
    assert cells(versus(found))["n"] == "8"
    assert cells(failures(found)) == {
        "task": "multihop",
        "arm": "ours",
        "failed": "2",
        "of": "10",
        "reasons": "timeout (2)",
    }


def test_a_later_success_replaces_a_failure_and_is_never_replaced_by_one() -> None:
    failed = record("q0", "ours", None, metrics={}, failed="timeout")
    right = record("q0", "ours", 1.0)
    for order in ([failed, right], [right, failed]):
        found = frame(order)
        assert not found.failures
        assert len(found.samples) == 1


def test_an_undefined_metric_is_left_out() -> None:
    found = frame(scored("ours", 3, 4), [record("q9", "ours", None)])
    assert cells(overview(found))["ours"] == "75.0"
    assert cells(overview(found))["n"] == "4"


def test_the_best_arm_held_to_the_budget_is_bold_and_references_are_not() -> None:
    found = frame(scored("full", 10, 10), scored("ours", 6, 10), scored("head", 1, 10), scored("hybrid", 6, 10))
    table = overview(found)
    bold = {name for name, cell in zip(table.columns, table.rows[0], strict=True) if cell.strong}
    assert bold == {"ours", "hybrid"}


def test_a_reference_is_shown_whatever_budget_it_stands_under() -> None:
    found = frame(scored("full", 10, 10, budget=0), scored("ours", 6, 10))
    assert cells(overview(found))["full"] == "100.0"
    assert cells(overview(found))["metric @ tokens"] == "all evidence @ 512"


def test_swept_lengths_are_shown_shortest_and_longest() -> None:
    table = overview(frame(at_1k(scored("ours", 9, 10)), scored("ours", 6, 10)))
    shown = [(cells(table, row)["length"], cells(table, row)["ours"]) for row in (0, 1)]
    assert shown == [("1k", "90.0"), ("128k", "60.0")]


def test_natural_lengths_are_one_row() -> None:
    some = scored("ours", 5, 10)
    table = overview(
        frame([each.model_copy(update={"factors": {"length": 5_000 + at}}) for at, each in enumerate(some)])
    )
    assert len(table.rows) == 1
    assert cells(table)["length"] == "~128k"


def test_the_largest_budget_stands_in_for_one_that_was_not_run() -> None:
    found = frame(scored("ours", 2, 10, budget=128), scored("ours", 4, 10, budget=256))
    assert cells(overview(found))["metric @ tokens"] == "all evidence @ 256"
    assert cells(overview(found))["ours"] == "40.0"


def test_headlines_follow_the_task_and_the_data_set() -> None:
    assert headline("multihop", "hotpotqa") == Headline("all_evidence", 512)
    assert headline("multihop", "musique") == Headline("all_evidence", 1024)
    assert headline("multihop-4-rivals", "musique") == Headline("all_evidence", 1024)
    assert headline("agents", "tool-output-logs") == Headline("line_recall", 512)
    assert headline("reading", "musique") == Headline("f1", 512)


def test_data_sets_that_the_model_has_seen_are_marked() -> None:
    assert marked("clapnq") == "clapnq†"
    assert marked("cookbook-code") == "cookbook-code†"
    assert marked("cookbook-docs") == "cookbook-docs"
    assert marked("hotpotqa") == "hotpotqa"


def test_a_loss_is_called_a_loss() -> None:
    found = frame(scored("ours", 10, 40), scored("bm25-sentences", 30, 40), scored("bm25-blocks", 12, 40))
    shown = cells(versus(found))
    assert shown["rival"] == "bm25-sentences"
    assert shown["difference"] == "−50.0"
    assert shown["verdict"] == "▼ LOSS"


def test_a_win_needs_the_corrected_p_too() -> None:
    # 20 won, none lost: p = 2 / 2^20
    table = versus(frame(scored("ours", 30, 40), scored("bm25-sentences", 10, 40)))
    assert cells(table)["verdict"] == "▲ better"
    assert cells(table)["p (Holm)"] == "< 0.001"
    # 5 won, none lost: p = 2 / 32 whatever the interval says
    table = versus(frame(scored("ours", 15, 40), scored("bm25-sentences", 10, 40)))
    assert cells(table)["verdict"] == "higher, not proven"
    assert cells(table)["p (Holm)"] == "0.062"


def test_the_stronger_bm25_is_the_rival() -> None:
    found = frame(scored("ours", 10, 20), scored("bm25-sentences", 5, 20), scored("bm25-blocks", 8, 20))
    assert cells(versus(found))["rival"] == "bm25-blocks"


def test_endpoints_that_were_not_measured_keep_their_place_in_the_family() -> None:
    table = primary(frame(scored("ours", 18, 40), scored("bm25-sentences", 10, 40)))
    shown = [cells(table, row) for row in range(4)]
    assert [each["verdict"] for each in shown] == ["not measured", "▲ better", "not measured", "not measured"]
    # McNemar of 8 won, none lost is 2 / 256; times four
    assert (shown[1]["p"], shown[1]["p (Holm)"]) == ("0.008", "0.031")


def test_a_data_set_that_was_seen_is_in_no_endpoint() -> None:
    seen = [each.model_copy(update={"dataset": "lost-in-the-middle"}) for each in scored("ours", 9, 20)]
    table = primary(frame(seen, [each.model_copy(update={"arm": "bm25-sentences"}) for each in seen]))
    assert cells(table, 1)["verdict"] == "not measured"


def test_rot_recovery_is_what_ours_wins_back_of_the_readers_loss() -> None:
    found = frame(reading("full", 40), reading("focused", 90), reading("ours", 80))
    assert cells(recovered(found))["rot recovery"] == "80.0"
    shown = cells(primary(found))
    assert shown["effect"] == "+80.0"
    assert shown["beside"].startswith("full context; 0.39% of the tokens")


def test_rot_recovery_that_takes_too_many_tokens_is_no_endpoint() -> None:
    found = frame(reading("full", 40), reading("focused", 90), reading("ours", 80, kept=4_000))
    shown = cells(primary(found))
    assert shown["verdict"] == "not measured"
    assert shown["beside"].endswith("too many")


def test_harm_at_short_lengths_is_judged_by_the_whole_interval() -> None:
    short = {"length": 1_000, "kept": 400}
    same = frame(reading("full", 150, 300, **short), reading("ours", 150, 300, **short))
    assert cells(harmless(same))["verdict"] == "▲ harmless"
    worse = frame(reading("full", 200, 300, **short), reading("ours", 150, 300, **short))
    assert cells(harmless(worse))["verdict"] == "▼ HARM"
    few = frame(reading("full", 10, 20, **short), reading("ours", 10, 20, **short))
    assert cells(harmless(few))["verdict"] == "not proven harmless"
    assert not harmless(frame(reading("full", 9, 10), reading("ours", 9, 10))).rows


def test_an_arms_slope_is_its_fall_a_doubling() -> None:
    # from 80 to 24 in seven doublings
    shown = cells(slopes(frame(at_1k(scored("ours", 80, 100)), scored("ours", 24, 100))))
    assert shown["points a doubling"] == "−8.0"
    assert shown["effective length"] == "1k"


def test_overhead_may_cost_more_than_is_saved() -> None:
    found = frame(scored("ours", 1, 4, source_tokens=1_000, tokens=400, overhead_tokens=900))
    assert cells(tokens(found))["net saved"] == "−300"


def test_the_area_under_the_curve_is_over_all_records_of_an_arm() -> None:
    # three with an answer at 3, 2, 1; two without at 2.5 and 0: 4 of 6 pairs in order
    scores = [(3, 1), (2, 1), (1, 1), (2.5, 0), (0, 0)]
    found = frame(
        [
            record(
                f"a{at}",
                "ours",
                None,
                task="abstention",
                metrics={"best": best, "answerable": kind, "said_answered": float(best > 2)},
            )
            for at, (best, kind) in enumerate(scores)
        ]
    )
    shown = cells(abstention(found))
    assert (shown["AUROC"], shown["says so with an answer"], shown["says so without"]) == ("66.7", "33.3", "50.0")
    assert not overview(found).rows


def test_a_stage_earns_its_place_where_ours_falls_without_it() -> None:
    found = frame(scored("ours", 30, 40), scored("ours without encoder", 10, 40), scored("ours without fusion", 30, 40))
    shown = cells(ablation(found))
    assert (shown["without encoder"], shown["without fusion"]) == ("−50.0 ▲", "+0.0")
    assert "ours without encoder" not in overview(found).columns


def test_needles_are_split_by_overlap_and_rivals() -> None:
    def needle(name: str, grade: str, count: int, clean: float | None) -> Record:
        measured = {"clean": clean, "rivals_kept": None if clean is None else 0.5, "all_evidence": 1.0}
        factors = {"length": 128_000, "overlap": grade, "rivals": count, "depth": 0.5}
        return record(name, "ours", None, task="needles", dataset="needles", metrics=measured, factors=factors)

    found = frame([needle("a", "two_hop", 4, 1.0), needle("b", "two_hop", 4, 0.0), needle("c", "verbatim", 0, None)])
    table = rivals(found)
    assert [(cells(table, row)["overlap"], cells(table, row)["ours"]) for row in (0, 1)] == [
        ("verbatim", "100.0"),
        ("two-hop", "50.0"),
    ]
    assert table.rows[1][-1].small.endswith("rivals kept 50")
    place = Place("needles", "needles", 128_000)
    cleans = grid(found, found.rows(place, "ours"), SWEPT)
    assert cleans[2].tolist() == pytest.approx([np.nan, 50.0], nan_ok=True)


def test_arms_are_paired_by_sample_whatever_the_order_of_writing() -> None:
    found = frame(scored("ours", 2, 4), scored("head", 1, 6)[::-1])
    ours, head = found.paired(*(found.rows(Place("multihop", "hotpotqa", 128_000), arm) for arm in ("ours", "head")))
    assert found.samples[ours].tolist() == found.samples[head].tolist()
    assert (found.values(ours, "all_evidence") - found.values(head, "all_evidence")).tolist() == [0, 1, 0, 0]
