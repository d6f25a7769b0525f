"""The way to the engine that all clients of the user share: find it, or start it, or say why that can't be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
from anyio import to_thread
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from tamis_engine.process import child, codec, hello, wire
from tamis_engine.process.address import Address, CannotShare, Port, here, prepare
from tamis_engine.process.daemon import HELLO_SECONDS, IDLE_SECONDS, LISTENING, TAKEN, arguments
from tamis_engine.process.line import LAST_WORDS_BYTES, StartFailed, Transport, last_words, message
from tamis_engine.protocol import ModelStatus

COMMAND = (sys.executable, "-P", "-m", "tamis_engine.process.daemon")
# Nobody's child: no client that ends, or kills what it started, has to do with it. What macOS links does not
# survive a fork, so a fresh program follows.
ORPHAN = "import os, sys\nif os.fork() == 0: os.execv(sys.argv[1], sys.argv[1:])"
DETACHED_COMMAND = (sys.executable, "-I", "-S", "-c", ORPHAN) if hasattr(os, "fork") else ()
DETACHED_FLAGS = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
START_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.02
"""While another client starts the engine."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the engine is met, and how it is started if nobody is there."""

    address: Address = field(default_factory=here)
    idle_seconds: float = IDLE_SECONDS
    command: Sequence[str] = COMMAND
    private_command: Sequence[str] = child.COMMAND


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """A shared engine that runs. `clients` are the others that are connected now, `calls` all that were asked."""

    pid: int
    address: str
    uptime_seconds: float
    clients: int
    calls: int
    resident_bytes: int
    models: tuple[ModelStatus, ...]
    numbers: Mapping[str, float]
    """What the core counts; see `Core.status`."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """A connection after the first words."""

    stream: SocketStream
    receive: BufferedByteReceiveStream
    pid: int


@asynccontextmanager
async def opened(place: Place) -> AsyncGenerator[Transport]:
    """The shared engine, started if need be; where none can be shared, one of our own."""
    try:
        greeted = await _reached(place)
    except CannotShare as problem:
        async with child.opened(place.private_command, private=f"{problem}.") as transport:
            yield transport
        return

    async with _connected(greeted, place.address) as transport:
        yield transport


@asynccontextmanager
async def met(address: Address) -> AsyncGenerator[Transport]:
    """The engine that listens at `address`; never started from here. Raises `StartFailed`."""
    try:
        greeted = await _greeted(address)
    except CannotShare as problem:
        raise StartFailed(str(problem)) from problem
    if greeted is None:
        raise StartFailed(f"none listens at {address.meeting_point}")
    async with _connected(greeted, address) as transport:
        yield transport


@asynccontextmanager
async def _connected(greeted: Greeted, address: Address) -> AsyncGenerator[Transport]:
    async def how_it_ended() -> str:
        return f"its process ended{_last_words(address)}."

    async with greeted.stream:
        yield Transport(greeted.stream, greeted.receive, greeted.pid, how_it_ended)


async def status(address: Address) -> EngineStatus | None:
    """Of the engine that runs at `address`; None where none does. Starts nothing. Raises `EngineError`."""
    met = await _greeted(address)
    if met is None:
        return None
    async with met.stream:
        await met.stream.send(message(1, "status"))
        frame = await wire.receive(met.receive)
    if frame is None:
        return None
    said = codec.checked(frame).header["result"]
    models = tuple(codec.model_status(model) for model in said.pop("models"))
    return EngineStatus(met.pid, str(address.meeting_point), models=models, **said)


async def stop(address: Address) -> int | None:
    """End the engine that runs at `address`, whatever it does; its process id, None where none ran."""
    met = await _greeted(address)
    if met is None:
        return None
    async with met.stream:
        await met.stream.send(message(1, "stop"))
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            await met.stream.receive()
    return met.pid


async def _reached(place: Place) -> Greeted:
    prepare(place.address)
    with anyio.move_on_after(START_SECONDS):
        while True:
            if met := await _greeted(place.address) or await _started(place):
                return met
            await anyio.sleep(LOOK_AGAIN_SECONDS)
    raise CannotShare(f"the engine at {place.address.meeting_point} did not answer within {START_SECONDS:.0f} s")


async def _started(place: Place) -> Greeted | None:
    """Of ten clients that come at once one starts the engine; for the others None, to look again."""
    # late: only where no engine runs yet
    from filelock import FileLock, Timeout

    starting = FileLock(place.address.start_lock, mode=0o600)
    try:
        starting.acquire(timeout=0)
    except Timeout:
        return None
    except OSError as error:
        raise CannotShare(f"{place.address.start_lock} can't be locked ({error})") from error
    try:
        # another may have been through here since we looked
        if met := await _greeted(place.address):
            return met
        said = await to_thread.run_sync(launch, place, abandon_on_cancel=True)
        if not said:
            raise StartFailed(f"its process ended{_last_words(place.address)}")
        if said not in (LISTENING, TAKEN):
            raise CannotShare(said)
        return await _greeted(place.address)
    finally:
        starting.release()


def launch(place: Place) -> str:
    """Start the process; what it says of that. It is not our child, and holds nothing of ours."""
    place.address.log.write_bytes(b"")
    with place.address.log.open("ab") as log:
        process = subprocess.Popen(
            [*DETACHED_COMMAND, *place.command, *arguments(place.address, place.idle_seconds)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=place.address.folder,
            start_new_session=True,
            creationflags=DETACHED_FLAGS,
        )
    assert process.stdout
    with process.stdout:
        said = process.stdout.readline().decode("utf-8", "replace").strip()
    if DETACHED_COMMAND:
        process.wait()  # it has only made the engine, and is gone by now
    return said


async def _greeted(address: Address) -> Greeted | None:
    """The engine at `address`; None where there is none. Raises `CannotShare` where there is one of another kind."""
    dialled = await _dialled(address)
    if dialled is None:
        return None
    stream, key = dialled
    try:
        with anyio.fail_after(HELLO_SECONDS):
            return await _introduced(stream, key, address)
    except TimeoutError as error:
        raise CannotShare(f"the engine at {address.meeting_point} does not answer") from error


async def _introduced(stream: SocketStream, key: str, address: Address) -> Greeted | None:
    said, receive, met = hello.words(key, address.name), BufferedByteReceiveStream(stream), None
    try:
        await stream.send(message(0, "hello", said))
        frame = await wire.receive(receive)
        if frame and "error" in frame.header:
            raise CannotShare(frame.header["error"]["message"])
        if frame and hello.genuine(key, said, frame.header["result"]):
            met = Greeted(stream, receive, frame.header["result"]["pid"])
    except (OSError, anyio.BrokenResourceError, wire.WireError, KeyError, TypeError):
        pass  # one that is just leaving, or something else that has come by its port
    finally:
        if met is None:
            await anyio.aclose_forcefully(stream)
    return met


async def _dialled(address: Address) -> tuple[SocketStream, str] | None:
    try:
        if address.loopback:
            port = Port.read(address.meeting_point)
            return await anyio.connect_tcp("127.0.0.1", port.number), port.key
        return await anyio.connect_unix(address.meeting_point), ""
    except PermissionError as error:
        raise CannotShare(f"{address.meeting_point} can't be reached ({error})") from error
    except (OSError, ValueError):
        return None


def _last_words(address: Address) -> str:
    try:
        return last_words(address.log.read_bytes()[-LAST_WORDS_BYTES:])
    except OSError:
        return ""
