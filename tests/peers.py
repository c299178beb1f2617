"""The servers and clients of tests/peers/, which `make peers` builds: find them, start them, end them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from wslab import originals

SERVERS = originals.NAMES
CLIENTS = ("tungstenite_client", "node_client")
NODE = {"node": "server.mjs", "node_client": "client.mjs", "wrong_node": "wrong.mjs"}
PATIENCE_S = 10


def command(name: str) -> list[str | Path] | None:
    """Give the command that starts a peer, None where it is not built."""
    return originals._node(NODE[name]) if name in NODE else originals._rust(name)


def command_or_skip(name: str) -> list[str | Path]:
    found = command(name)
    if found is None:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"the peer {name} is not built: install cargo and npm, then run `make peers`")
    return found


@contextlib.contextmanager
def process(name: str) -> Iterator[subprocess.Popen[str]]:
    """Run a server of another language until the block ends; it must end well then, and have complained of nothing."""
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            command_or_skip(name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True
        ) as server,
    ):
        assert server.stdin is not None
        try:
            yield server
            server.stdin.close()
            server.wait(PATIENCE_S)
        finally:
            server.kill()
        complaints.seek(0)
        assert complaints.read() == ""  # a task that panics takes only itself with it: this is where it shows


@contextlib.contextmanager
def running(name: str) -> Iterator[str]:
    """Run a server of another language; give its URL without a path, such as ws://127.0.0.1:49152."""
    with process(name) as server:
        yield url_of(server)
    assert server.returncode == 0


def url_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    return f"ws://127.0.0.1:{int(server.stdout.readline())}"


class Client:
    """A client of another language: give it commands, await what it tells; tests/peers/README.md lists both."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def do(self, command: str, **details: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": command, **details}).encode() + b"\n")
        await self.process.stdin.drain()

    async def event(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            line = await self.process.stdout.readline()
        event: dict[str, Any] = json.loads(line or '{"event": "the client has ended"}')
        return event

    async def vanish(self) -> None:
        """End without a closing handshake."""
        self.process.kill()
        await self.process.wait()


@contextlib.asynccontextmanager
async def client(name: str) -> AsyncIterator[Client]:
    """Run a client of another language until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *command_or_skip(name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=2**23
    )
    assert process.stdin is not None
    try:
        yield Client(process)
        process.stdin.close()
        async with asyncio.timeout(PATIENCE_S):
            await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
