"""What a person or a script types, and what comes back."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis_engine.errors import EngineUnavailable, ModelNotFound
from tamis_mcp_server import __version__
from tamis_mcp_server.cli.output import harmless
from tamis_tools import requests
from tamis_tools.errors import BadArgument, HandleError, NothingReadable, OutsideRoots
from tamis_tools.limits import Limits
from tamis_tools.results import Answer, Data
from tamis_tools.workspace import Workspace
from tests.mcp_server.cli.fakes import ANSWER, Desk


def raising(error: BaseException):
    def act(_workspace: Workspace) -> Answer[Data]:
        raise error

    return act


def test_help_lists_every_command(desk: Desk) -> None:
    said = desk.types("--help")
    assert said.code == 0
    for name in ("compress", "rerank", "filter", "extract", "score", "encode", "expand"):
        assert f"\n  {name} " in said.out
    for name in ("mcp", "doctor", "install"):
        assert f"\n  {name} " in said.out


def test_the_version_is_told(desk: Desk) -> None:
    assert desk.types("--version").out == f"tamis {__version__}\n"


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (
            "compress app.py --query q --budget 300 --detail outline",
            requests.CompressRequest(sources=("app.py",), query="q", budget_tokens=300, detail="outline"),
        ),
        ("compress --cursor c", requests.CompressRequest(cursor="c")),
        (
            "rerank app.py . -q q --top-k 3 --unit file",
            requests.RerankRequest(sources=("app.py", "."), query="q", top_k=3, unit="file"),
        ),
        ("rerank app.py -q q", requests.RerankRequest(sources=("app.py",), query="q")),
        (
            "filter app.py --label a --label b --threshold 0.5 --keep 2 --no-dedupe",
            requests.FilterRequest(sources=("app.py",), labels=("a", "b"), threshold=0.5, keep=2, dedupe=False),
        ),
        ("filter app.py -q q", requests.FilterRequest(sources=("app.py",), query="q")),
        (
            "extract app.py --field port --field=host --label l --entity email",
            requests.ExtractRequest(sources=("app.py",), fields=("port", "host"), labels=("l",), entities=("email",)),
        ),
        ("score app.py -q q --model m", requests.ScoreRequest(sources=("app.py",), query="q", model="m")),
        (
            "encode app.py --kind sparse --unit file --similarity",
            requests.EncodeRequest(sources=("app.py",), kind="sparse", unit="file", similarity=True),
        ),
        ("encode app.py", requests.EncodeRequest(sources=("app.py",))),
        (
            "expand app.py:1-2 --question why --from-line 2 --max-tokens 9",
            requests.ExpandRequest(ref="app.py:1-2", question="why", from_line=2, max_tokens=9),
        ),
        ("expand @h_x", requests.ExpandRequest(ref="@h_x")),
    ],
)
def test_every_command_asks_its_operation_for_what_was_typed(desk: Desk, line: str, request_: object) -> None:
    said = desk.types(*line.split())
    assert (said.code, said.err) == (0, "")
    assert desk.asked == [(line.split(maxsplit=1)[0], request_)]


def test_a_pipe_gets_the_text_as_it_is(desk: Desk) -> None:
    assert desk.types("rerank", "app.py", "-q", "q").out == ANSWER.text + "\n"


def test_json_is_one_object_and_nothing_else(desk: Desk) -> None:
    said = desk.types("rerank", "app.py", "-q", "q", "--json")
    assert json.loads(said.out) == {
        "results": [{"source": "app.py", "start_line": 1, "end_line": 2, "score": 0.5, "preview": "ü"}],
        "answered": True,
        "notes": [],
    }
    assert said.out.count("\n") == 1


def test_a_terminal_gets_no_control_characters() -> None:
    assert harmless("a\tb\r\nc\x1b[2J\x9b\x00\u202e\x7fü\n") == ("a\tb\nc\\u001b[2J\\u009b\\u0000\\u202e\\u007fü\n")


def test_a_person_waits_longer_than_an_agent(desk: Desk) -> None:
    desk.types("rerank", "app.py", "-q", "q")
    limits, usual = desk.scopes[0].limits, Limits()
    assert limits.engine_wait_seconds > usual.engine_wait_seconds
    assert limits.call_seconds > usual.call_seconds
    assert limits.max_result_tokens == usual.max_result_tokens


def test_what_is_not_allowed_is_off_until_it_is_typed(desk: Desk) -> None:
    desk.types("rerank", "app.py", "-q", "q")
    desk.types("rerank", "app.py", "-q", "q", "--allow-url", "--allow-secrets")
    assert [(scope.allow_urls, scope.allow_secrets) for scope in desk.scopes] == [(False, False), (True, True)]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadArgument("A sentence."), 2),
        (HandleError("A sentence."), 2),
        (NothingReadable("A sentence."), 3),
        (OutsideRoots("A sentence."), 3),
        (EngineUnavailable("it died."), 4),
        (ModelNotFound("x", ("y",)), 2),
        (ExceptionGroup("several", [NothingReadable("A sentence.")]), 3),
        (ValueError("odd"), 1),
    ],
)
def test_errors_are_one_line_on_stderr_and_an_exit_code(desk: Desk, error: Exception, code: int) -> None:
    desk.act = raising(error)
    said = desk.types("rerank", "app.py", "-q", "q", "--json")
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith("tamis: ")
    assert said.err.count("\n") == 1


def test_a_traceback_is_shown_only_where_one_was_asked_for(desk: Desk) -> None:
    desk.act = raising(ValueError("odd"))
    assert "Traceback" not in desk.types("rerank", "app.py", "-q", "q").err
    said = desk.types("rerank", "app.py", "-q", "q", "--debug")
    assert "Traceback" in said.err
    assert said.code == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("rerank app.py", "--query"),
        ("rerank -q q", "SOURCES"),
        ("rerank app.py -q q --top-k many", "many"),
        ("compress app.py --detail some", "some"),
        ("compres app.py", "compress"),
        ("rerank app.py -q q --rot .", "--root"),
    ],
)
def test_wrong_use_is_code_2_and_names_what_is_wrong(desk: Desk, line: str, words: str) -> None:
    said = desk.types(*line.split())
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert said.err.count("\n") == 1


def test_an_error_cannot_drive_the_terminal_either(desk: Desk) -> None:
    desk.act = raising(BadArgument("no \x1b[2J"))
    assert "\x1b" not in desk.types("rerank", "app.py", "-q", "q").err


@pytest.fixture
def interrupts() -> Iterator[None]:
    """A shell starts what runs in the background with interrupts ignored; here they arrive."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_an_interrupt_ends_quietly_with_the_engine_closed(desk: Desk) -> None:
    def interrupt(_workspace: Workspace) -> Answer[Data]:
        signal.raise_signal(signal.SIGINT)
        return ANSWER

    desk.act = interrupt
    said = desk.types("rerank", "app.py", "-q", "q")
    assert (said.code, said.out, said.err.strip()) == (130, "", "")
    assert desk.engine.entered == desk.engine.closed == 1


def test_stdin_is_read_as_a_file_that_is_gone_afterwards(desk: Desk) -> None:
    held: list[bytes] = []

    def look(workspace: Workspace) -> Answer[Data]:
        path = Path(desk.asked[0][1].sources[0])
        assert path.parent in workspace.scope.roots
        held.append(path.read_bytes())
        return ANSWER

    desk.act = look
    assert desk.types("compress", "-", "app.py", "-q", "q", stdin=b"caf\xc3\xa9\r\n\xff").code == 0
    path, other = desk.asked[0][1].sources
    assert held == [b"caf\xc3\xa9\r\n\xff"]
    assert other == "app.py"
    assert not Path(path).parent.exists()


def test_stdin_is_left_alone_where_it_is_not_named(desk: Desk) -> None:
    assert desk.types("rerank", "app.py", "-q", "q", stdin=b"never read").code == 0
    assert len(desk.scopes[0].roots) == 1
