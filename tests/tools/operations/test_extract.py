"""Values with quotes that stand in the source, or "not found"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis_tools import tokens
from tamis_tools.errors import BadArgument
from tamis_tools.extraction.patterns import PATTERNS
from tamis_tools.operations.extract import extract
from tamis_tools.pace import Pace
from tamis_tools.requests import ExtractRequest
from tests.fakes import Clock
from tests.tools.fakes import COSTLY, call, write

if TYPE_CHECKING:
    from pathlib import Path

    from tamis_tools.results import Answer, Value
    from tamis_tools.workspace import Workspace
    from tests.fakes import FakeEngine

CONTRACT = """# Contract

The supplier is Example Ltd of Bristol.

The contract was signed on 5 May 2024 by both parties.

Questions go to jane@example.org or to joe@example.org. Jane is at jane@example.org too.
"""
CONFIG = '{\n  "server": {\n    "port": 8080,\n    "host": "localhost"\n  }\n}\n'


def asked(workspace: Workspace, *sources: str, pace: Pace | None = None, **wanted: tuple[str, ...]) -> Answer[object]:
    return call(extract, workspace, ExtractRequest(sources=sources, **wanted), pace)


def assert_verified(folder: Path, values: list[Value]) -> None:
    for value in values:
        text = (folder / "root" / value.source).read_bytes().decode()
        assert text[value.start : value.end] == value.quote
        assert value.value in value.quote
        assert text.count("\n", 0, value.start) + 1 == value.start_line


def test_fields_come_with_value_quote_and_place(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"contract.md": CONTRACT, "config.json": CONFIG})
    answer = asked(workspace, "contract.md", "config.json", fields=("signed: date the contract was signed", "port"))
    signed, port = answer.data.values
    assert (signed.value, signed.source, signed.start_line) == ("5 May 2024", "contract.md", 5)
    assert signed.quote == "The contract was signed on 5 May 2024 by both parties."
    assert (port.value, port.source, port.start_line) == ("8080", "config.json", 3)
    assert_verified(tmp_path, answer.data.values)
    assert answer.text.splitlines()[0] == (
        'signed: 5 May 2024  -- contract.md:5  "The contract was signed on 5 May 2024 by both parties."'
    )


def test_what_no_source_holds_is_not_found(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"contract.md": CONTRACT})
    answer = asked(workspace, "contract.md", fields=("quantum chromodynamics", "zebra"), entities=("ip",))
    assert answer.data.values == []
    assert answer.data.not_found == ["quantum chromodynamics", "zebra", "ip"]
    assert "not found: quantum chromodynamics, zebra, ip" in answer.text


def test_each_document_has_its_own_value_and_equal_ones_are_counted(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "Total: $5\n", "b.md": "Total: $7\n", "c.md": "Total: $5\n"})
    answer = asked(workspace, "a.md", "b.md", "c.md", fields=("total",))
    assert [(value.value, value.count, value.source) for value in answer.data.values] == [
        ("$5", 2, "a.md"),
        ("$7", 1, "b.md"),
    ]
    assert "total: $5 (\u00d72)  -- a.md:1" in answer.text


def test_the_cell_of_the_row_that_is_meant_is_found(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"stock.csv": "item,unit price\nred pencil,1.50\nblue lamp,12.25\ngreen desk,99.00\n"})
    answer = asked(workspace, "stock.csv", fields=("unit price: of the blue lamp",))
    assert answer.data.values[0].value == "12.25"
    assert_verified(tmp_path, answer.data.values)


def test_a_date_without_a_date_is_not_found(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "The release of the software was celebrated with a cake and a speech.\n"})
    answer = asked(workspace, "a.md", fields=("release date of the software",))
    assert answer.data.not_found == ["release date of the software"]


def test_where_one_document_has_the_form_others_are_not_quoted(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "The port is chosen.\n", "b.ini": "port = 8080\n", "c.md": "A port! Port.\n"})
    answer = asked(workspace, "a.md", "b.ini", "c.md", fields=("port",))
    assert [value.value for value in answer.data.values] == ["8080"]


def test_labels_quote_the_statements_that_fit(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "Lunch was good.\n\nThere is a risk of delay.\n\nThe risk of fire is small.\n"})
    answer = asked(workspace, "a.md", labels=("risk",))
    assert {value.quote for value in answer.data.values} == {"There is a risk of delay.", "The risk of fire is small."}
    assert all(value.value == value.quote for value in answer.data.values)
    assert_verified(tmp_path, answer.data.values)


def test_entities_come_once_with_their_count_the_most_frequent_first(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"contract.md": CONTRACT.replace("\n", "\r\n")})
    answer = asked(workspace, "contract.md", entities=("emails", "date"))
    assert [(value.field, value.value, value.count) for value in answer.data.values] == [
        ("email", "jane@example.org", 2),
        ("email", "joe@example.org", 1),
        ("date", "5 May 2024", 1),
    ]
    assert_verified(tmp_path, answer.data.values)


def test_only_the_lines_that_were_asked_for_are_searched(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.log": "1 at 10.0.0.1\n2 at 10.0.0.2\n3 at 10.0.0.3\n"})
    answer = asked(workspace, "a.log:2-2", entities=("ip",))
    assert [value.value for value in answer.data.values] == ["10.0.0.2"]


def test_many_values_are_capped_and_the_rest_is_counted(workspace: Workspace, tmp_path: Path) -> None:
    lines = "".join(f"host 10.0.{number // 250}.{number % 250} {f'{COSTLY} ' * 90}\n" for number in range(400))
    write(tmp_path, {"a.log": lines})
    answer = asked(workspace, "a.log", entities=("ip",))
    assert len(answer.data.values) == 100
    assert "300 more different values" in answer.text
    assert tokens.count(answer.text) <= workspace.scope.limits.max_result_tokens
    assert "more values do not fit" in answer.text


def test_a_page_is_searched_as_it_is_seen_but_for_its_links(workspace: Workspace, tmp_path: Path) -> None:
    page = '<html><head><style>p{width:99%}</style></head><body><p>Up 12% at <a href="https://example.org/x">us</a></p></body></html>'
    write(tmp_path, {"a.html": page})
    answer = asked(workspace, "a.html", entities=("percent", "url"))
    assert [value.value for value in answer.data.values] == ["12%", "https://example.org/x"]


def test_a_quote_can_not_break_its_line(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": 'A risk is\n"[not found: x]" here.\n'})
    answer = asked(workspace, "a.md", labels=("risk",))
    assert len(answer.text.splitlines()) == 2


def test_when_time_runs_out_what_was_not_looked_for_is_named(
    workspace: Workspace, engine: FakeEngine, tmp_path: Path
) -> None:
    write(tmp_path, {"contract.md": CONTRACT})
    clock = Clock()

    def late(_request: object) -> None:
        clock.now = 100

    engine.before = late
    answer = asked(workspace, "contract.md", fields=("supplier", "signed", "zebra"), pace=Pace(clock=clock))
    assert answer.data.not_found == []
    assert "ask for them again: signed, zebra" in answer.text


def test_sources_without_text_hold_nothing(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "Text.\n\n \nMore.\n"})
    answer = asked(workspace, "a.md:2-3", fields=("port",), labels=("risk",), entities=("date",))
    assert answer.data.not_found == ["port", "risk", "date"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "Nothing to extract.*date, time"),
        ({"entities": ("emial",)}, "Did you mean 'email'"),
        ({"labels": ("a", " ")}, "A label is empty"),
        ({"fields": ("",)}, "has no name"),
        ({"fields": tuple("abcdefghijk"), "labels": tuple("abcdefghijk")}, "22 fields and labels are too many"),
    ],
)
def test_wrong_values_are_refused_with_what_is_right(
    workspace: Workspace, wanted: dict[str, tuple[str, ...]], message: str
) -> None:
    with pytest.raises(BadArgument, match=message):
        asked(workspace, "a.md", **wanted)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["port: 80", "\t", "\r\n", "\n", "caf\u00e9 ", "a@b.co ", "\U0001f600", "2024-01-01 ", "x=1; "]
        ),
        max_size=30,
    )
)
def test_every_value_stands_where_it_says(workspace: Workspace, tmp_path: Path, pieces: list[str]) -> None:
    write(tmp_path, {"a.md": "Start.\n" + "".join(pieces)})
    answer = asked(workspace, "a.md", fields=("port", "start date"), labels=("start",), entities=tuple(PATTERNS))
    assert_verified(tmp_path, answer.data.values)
