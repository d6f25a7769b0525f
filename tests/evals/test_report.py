"""A report is rebuilt from records alone, loads nothing, and says what it lacks."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tamis_evals.records import Run
from tamis_evals.report import ExtraMissing, NoRecords, build, extras
from tamis_evals.report.figures.style import spread
from tests.evals import made
from tests.evals.made import at_1k, record, scored


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small report."""
    folder = tmp_path_factory.mktemp("run")
    made.write(folder, made.records(8, stages=("encoder",)))
    build(folder)
    return folder


class Tags(HTMLParser):
    """Which addresses a page loads, and whether its tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset")]
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset")]


def test_the_page_loads_nothing_and_runs_nothing(built: Path) -> None:
    tags = Tags()
    page = (built / "report.html").read_text(encoding="utf-8")
    tags.feed(page)
    assert not tags.open
    assert {address[:1] for address in tags.loaded if not address.startswith("data:")} == {"#"}
    assert not tags.seen & {"script", "link", "iframe"}
    assert not re.search(r"url\((?!#)|@import", page)
    assert "svg" in tags.seen


def test_every_picture_is_there_in_both_forms_and_linked(built: Path) -> None:
    names = {path.name for path in (built / "figures").iterdir()}
    linked = set(re.findall(r"\(figures/(.+?)\.png\)", (built / "report.md").read_text(encoding="utf-8")))
    assert linked == {"length-reading", "length-multihop", "length-needles", "pareto", "depth-by-length", "latency"}
    assert names == {f"{name}.{kind}" for name in linked for kind in ("png", "svg")}


def test_the_same_records_make_the_same_report(tmp_path: Path) -> None:
    some = [*scored("ours", 6, 9), *scored("bm25-sentences", 4, 9)]
    made.write(tmp_path, iter([*some, *at_1k(some)]))
    for name in ("once", "again"):
        build(tmp_path, tmp_path / name)
    for name in ("report.html", "report.md", "summary.json", "figures/length-multihop.svg", "figures/pareto.png"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_the_summary_holds_every_table_as_numbers(built: Path) -> None:
    summary = json.loads((built / "summary.json").read_text(encoding="utf-8"))
    assert summary["about"]["commit"] == "abc1234"
    assert set(summary["tables"]) >= {"primary", "overview", "versus ours", "slopes", "recovery", "tokens", "ablation"}
    row = next(each for each in summary["tables"]["overview"] if each["data set"] == "musique")
    assert row["metric @ tokens"] == "all evidence @ 1,024"
    assert row["ours"]["low"] <= row["ours"]["value"] <= row["ours"]["high"]


def test_a_quick_run_says_that_it_proves_nothing(tmp_path: Path) -> None:
    made.write(tmp_path, iter(scored("ours", 3, 5)), quick=True)
    page = build(tmp_path, tmp_path / "out")
    assert "too small for conclusions" in page.read_text(encoding="utf-8")
    assert not (tmp_path / "report.html").exists()


def test_text_of_records_cannot_become_markup(tmp_path: Path) -> None:
    made.write(tmp_path, iter([record("q", "<script>alert(1)</script>", None, failed="<b>x|y</b>")]))
    page = build(tmp_path).read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;b&gt;x|y" in page
    assert "&lt;b>x\\|y" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_folder_without_a_run_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NoRecords, match="tamis eval run"):
        build(tmp_path)
    made.write(tmp_path, iter(()))
    with pytest.raises(NoRecords, match="no records yet"):
        build(tmp_path)


def test_a_missing_extra_says_how_to_install_it() -> None:
    with pytest.raises(ExtraMissing, match=re.escape("pip install 'tamis[evals]'")):
        extras.check(("no_such_module_at_all",))


def test_labels_keep_their_order_and_their_distance() -> None:
    assert spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.4, 0.5, 0.6])
    assert spread([0.9, 0.1], 0.1) == pytest.approx([0.9, 0.1])
    assert spread([1.0, 0.99, 0.98], 0.1) == pytest.approx([1.0, 0.9, 0.8])
    assert spread([], 0.1) == []


def test_a_killed_runs_torn_line_is_dropped(tmp_path: Path) -> None:
    made.write(tmp_path, iter(scored("ours", 3, 5)))
    with (tmp_path / "records.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"task": "multi')
    assert len(list(Run(tmp_path).records())) == 5
    assert build(tmp_path).exists()
