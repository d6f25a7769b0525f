"""`tamis eval`: found by the command line, with errors that say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tamis_evals.cli import group
from tamis_mcp_server.cli.app import build


def _said(*arguments: str) -> str:
    result = CliRunner().invoke(group, arguments)
    assert result.exit_code
    return result.output


def test_the_command_line_lists_it() -> None:
    assert "Measure quality as context grows" in CliRunner().invoke(build(), ["--help"]).output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", "sleeping"], "No task 'sleeping'. There are: selection,"),
        (["--arm", "bm52", "--task", "needles"], "No arm 'bm52'. There are: full,"),
        (["--lengths", "1k"], "--lengths is '1k'. Give numbers of tokens"),
        (["--reader-url", "http://localhost:1/v1"], "--reader-url needs --model"),
        (["--prices", "two"], "--prices is 'two'. Give dollars for a million tokens"),
    ],
)
def test_a_wrong_option_says_what_there_is(tmp_path: Path, arguments: list[str], said: str) -> None:
    assert said in _said("run", "--data", str(tmp_path), "--out", str(tmp_path / "out"), *arguments)


def test_missing_data_says_how_to_name_it(tmp_path: Path) -> None:
    assert "--data DIR" in _said("run", "--data", str(tmp_path / "none"))
    output = _said(
        "run", "--data", str(tmp_path), "--task", "multihop", "--arm", "head", "--out", str(tmp_path / "out")
    )
    assert "cannot be read" in output


def test_the_projects_own_needles_run_without_any_data_and_make_a_report(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    asked = ["run", "--quick", "--task", "needles", "--arm", "bm25-sentences", "--arm", "head", "--out", out]
    assert CliRunner().invoke(group, [*asked, "--data", str(tmp_path)]).exit_code == 0
    assert CliRunner().invoke(group, ["report", out]).exit_code == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "bm25-sentences" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
