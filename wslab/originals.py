"""Own the originals: the servers in Rust and JavaScript that lesson 06 talks to, and what they said when last recorded.

Their sources stand in tests/peers, whose README says what each of them does on which path; `make peers` builds them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Literal, cast

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.protocol import CLIENT, SERVER

from .errors import NotBuiltError, OriginalError
from .records import End
from .tap import tap
from .tape import Tape

__all__ = ["NAMES", "command", "conversation", "is_built", "live_tape", "recorded", "recording", "running", "tape"]

NAMES = ("actix_actors", "actix_ws", "warp", "tungstenite", "node")
"""The servers of tests/peers: four in Rust, by the names of their files, and the one in JavaScript."""

PEERS = Path(__file__).resolve().parent.parent / "tests" / "peers"
RECORDINGS = Path(__file__).resolve().parent / "recordings"
PATIENCE_S = 10
LONGEST_PORT = len("65535\r\n")


def is_built(name: str) -> bool:
    """Say whether a server can run here: whether this is a checkout in which `make peers` has built it."""
    return _program(name) is not None


def command(name: str) -> list[str | Path]:
    """Give the command that starts a server; it takes `--port`, and prints its port as its first line.

    Raises:
        NotBuiltError: It is not built here.
        OriginalError: There is no server of this name.
    """
    program = _program(name)
    if program is None:
        raise NotBuiltError(name)
    return program


@contextlib.asynccontextmanager
async def running(name: str) -> AsyncIterator[str]:
    """Run a server until the block ends; give its URL, to which a path is appended, such as ws://127.0.0.1:49152/.

    Raises:
        NotBuiltError: It is not built here.
        OriginalError: There is no server of this name, it did not start, or did not end with its stdin.

    Example:
        async with originals.running("warp") as url, connect(url + "echo") as websocket:
            ...
    """
    with _start(name) as process:
        try:
            yield f"ws://127.0.0.1:{await _port(name, process)}/"
            await _end(name, process)
        finally:
            # Before it is killed: what it has started itself may hold its stdout, and ends with its stdin only.
            cast("IO[str]", process.stdin).close()
            process.kill()


async def conversation(url: str) -> None:
    """Let two talk in a chat, always the same: both count who is there, each says something, one pings and leaves.

    Bob is the first connection, Ann the second. The chat sends each message to all, the sender included, and answers
    the text "count", to its sender alone, with the number of those who are connected.

    Args:
        url: Where the chat is.

    Raises:
        TimeoutError: It is no such chat, or far too slow.
        OSError, websockets.exceptions.WebSocketException: It lets nobody in, or ends a connection.
    """
    async with asyncio.timeout(PATIENCE_S), connect(url, compression=None, proxy=None) as bob:
        await _count(bob)
        async with connect(url, compression=None, proxy=None) as ann:
            await _count(ann)
            for speaker, message in ((ann, "Hello"), (bob, b"\x00\xff")):
                await speaker.send(message)
                await asyncio.gather(ann.recv(), bob.recv())
            await (await ann.ping(b"Are you there?"))


async def _count(client: ClientConnection) -> None:
    """Ask for the number; who has been answered is in the chat, and not only connected."""
    await client.send("count")
    await client.recv()


async def tape(name: str) -> Tape:
    """Hold the conversation with a server and give the tape; where it is not built, give the recording.

    Raises:
        OriginalError: There is no server of this name, or it is faulty, as `running` tells.
    """
    return await live_tape(name) if is_built(name) else recording(name)


async def live_tape(name: str) -> Tape:
    """Hold the conversation with a server and give the tape.

    Raises:
        NotBuiltError: It is not built here.
        OriginalError: There is no server of this name, or it is faulty, as `running` tells.
    """
    async with running(name) as url, tap(url + "broadcast") as relay:
        await conversation(relay.url)
    return relay.tape


def recording(name: str) -> Tape:
    """Give what crossed the wire when the conversation of lesson 06 was last recorded with a server.

    Raises:
        OriginalError: There is no server of this name.
    """
    _check(name)
    tape = Tape()
    for event in msgspec.json.decode((RECORDINGS / f"{name}.json").read_bytes(), type=list[_Event]):
        sender = CLIENT if event.sender == "client" else SERVER
        if event.end:
            tape.ended(event.connection, sender, event.end, 0)
        else:
            tape.write(event.connection, sender, bytes.fromhex(event.hexed), 0)
    return tape


def recorded(tape: Tape) -> str:
    """Write a tape down as `recording` reads it, an event a line."""
    events = (
        _Event(record.connection, "client" if record.sender is CLIENT else "server", record.raw.hex(), record.end)
        for record in tape
    )
    return "[\n" + ",\n".join(msgspec.json.encode(event).decode() for event in events) + "\n]\n"


class _Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    connection: int
    sender: Literal["client", "server"]
    hexed: str = msgspec.field(name="hex", default="")
    end: End | None = None


def _check(name: str) -> None:
    if name not in NAMES:
        raise OriginalError(f"there is no original called {name!r}", ", ".join(NAMES))


def _program(name: str) -> list[str | Path] | None:
    _check(name)
    return _node("server.mjs") if name == "node" else _rust(name)


def _node(script: str) -> list[str | Path] | None:
    node, libraries = shutil.which("node"), PEERS / "node" / "node_modules"
    return [node, PEERS / "node" / script] if node and libraries.is_dir() else None


def _rust(name: str) -> list[str | Path] | None:
    program = PEERS / "rust" / "target" / "release" / (f"{name}.exe" if os.name == "nt" else name)
    return [program] if program.is_file() else None


def _not_started(name: str) -> OriginalError:
    return OriginalError(f"{name} did not start", "its port, as the first line that it prints", "run `make peers`")


def _start(name: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    try:
        # Not asyncio's own: on Windows, the event loop of Jupyter has none.
        return subprocess.Popen(command(name), stdin=pipe, stdout=pipe, text=True)
    except OSError as error:  # what is built may be for another system
        raise _not_started(name) from error


async def _port(name: str, process: subprocess.Popen[str]) -> int:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return int(await asyncio.to_thread(cast("IO[str]", process.stdout).readline, LONGEST_PORT))
    except (TimeoutError, ValueError) as error:
        raise _not_started(name) from error


async def _end(name: str, process: subprocess.Popen[str]) -> None:
    cast("IO[str]", process.stdin).close()
    try:
        await asyncio.to_thread(process.wait, PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise OriginalError(f"{name} did not end", "that it ends when its stdin does", "run `make peers`") from error
