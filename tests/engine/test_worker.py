"""The child process by itself, and how its calls end when it does."""

import signal
import subprocess
from pathlib import Path

import pytest

from tamis_engine.process.child import COMMAND
from tamis_engine.process.wire import Frame, pack, read


def start(command: tuple[str, ...], folder: Path | None = None) -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder)


def encode(number: int, *texts: str) -> bytes:
    return pack(Frame({"id": number, "op": "encode", "request": {"texts": texts}}))


def test_the_real_worker_ends_when_its_stdin_does() -> None:
    process = start(COMMAND)
    assert process.communicate(timeout=20) == (b"", b"")
    assert process.returncode == 0


def test_code_in_the_folder_where_the_user_works_is_never_imported(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    process = start(COMMAND, tmp_path)
    assert process.communicate(timeout=20) == (b"", b"")


def test_the_worker_ends_with_its_stdin_even_while_it_computes(command: tuple[str, ...]) -> None:
    process = start(command)
    process.communicate(encode(1, "hold"), timeout=10)
    assert process.returncode == 0


@pytest.mark.parametrize(
    "data", [b"Content-Length: 12\r\n\r\n{}", pack(Frame({"no": "id"})), pack(Frame({"id": [], "op": "cancel"}))]
)
def test_a_malformed_frame_ends_the_worker_with_a_sentence(data: bytes, command: tuple[str, ...]) -> None:
    process = start(command)
    _, stderr = process.communicate(data, timeout=10)
    assert process.returncode == 1
    assert b"malformed frame" in stderr
    assert b"Traceback" not in stderr


def test_a_client_killed_in_the_middle_of_a_frame_leaves_no_worker_behind(command: tuple[str, ...]) -> None:
    process = start(command)
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    process.stderr.close()
    process.stdin.write(encode(1, "hold")[:-1])
    process.stdin.close()
    assert process.wait(10) == 1


@pytest.mark.parametrize(
    "message",
    [
        {"id": 1, "op": "fly"},
        {"id": 1, "op": "encode", "request": {"colour": "red"}},
        {"id": 1, "op": "encode", "request": "hello"},
    ],
)
def test_a_request_that_makes_no_sense_fails_alone(message: dict[str, object], command: tuple[str, ...]) -> None:
    with start(command) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(pack(Frame(message)) + encode(2, "fine"))
        process.stdin.flush()
        first, second = read(process.stdout), read(process.stdout)
        process.stdin.close()
    assert first
    assert second
    assert first.header["error"]["kind"] == "RequestInvalid"
    assert second.header["result"]["tokens"] == [4]


def test_a_caller_that_leaves_does_not_stop_the_model_from_loading(command: tuple[str, ...]) -> None:
    with start(command) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"".join(pack(Frame({"id": 1, "op": name})) for name in ("ready", "cancel")))
        states: list[str] = []
        while "resident" not in states and len(states) < 100_000:
            process.stdin.write(pack(Frame({"id": 2, "op": "models"})))
            process.stdin.flush()
            while (frame := read(process.stdout)) and frame.header["id"] != 2:
                pass
            assert frame
            states.append(frame.header["result"][0]["state"])
        process.stdin.close()
    assert states[-1] == "resident"


def test_ctrl_c_is_left_to_the_server(command: tuple[str, ...]) -> None:
    with start(command) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(pack(Frame({"id": 1, "op": "models"})))
        process.stdin.flush()
        assert read(process.stdout)
        process.send_signal(signal.SIGINT)
        process.stdin.write(encode(2, "fine"))
        process.stdin.flush()
        assert read(process.stdout)
        process.stdin.close()
    assert process.returncode == 0
