"""Measure what a connected client costs on the server: by how much a fresh server process grows with a thousand."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

from wslab.hub import Hub
from wslab.servers import serve
from wslab.table import Table

from .readers import readers

CLIENTS = 1000
MESSAGE = "All of you get this message, which is as long as a short paragraph. " * 15
RESIDENT_PAGES = Path("/proc/self/statm")
IS_LINUX = RESIDENT_PAGES.exists()
FORGETFUL = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True, client_no_context_takeover=True, server_max_window_bits=12
)


@dataclass(frozen=True)
class Variant:
    """A way to set up a server, and why a client costs there what it costs."""

    name: str
    why: str
    deflate: bool = False
    options: dict[str, Any] = field(default_factory=dict)


VARIANTS = (
    Variant(
        "no compression, no keepalive",
        "the connection, its handler's task, its place in the hub",
        options={"compression": None, "ping_interval": None},
    ),
    Variant("no compression", "and a task with a timer that sends pings", options={"compression": None}),
    Variant(
        "compression and keepalive, as by default",
        "and zlib's state: to compress 2^(12+2) + 2^(5+9) bytes, to inflate 2^12 and about 7,000",
        deflate=True,
    ),
    Variant(
        "compression without context takeover",
        "that state lives only while a message is compressed or inflated",
        deflate=True,
        options={"compression": None, "extensions": [FORGETFUL]},
    ),
)


async def bytes_per_client(variant: Variant) -> int:
    """Measure in this process, which must be a fresh one."""
    hub, full = Hub(), asyncio.Event()

    async def handler(websocket: ServerConnection) -> None:
        async with hub.join(websocket):
            await websocket.recv()
            if len(hub) == CLIENTS:
                full.set()
            await websocket.wait_closed()

    async with serve(handler, **variant.options) as server:
        before_bytes = resident_bytes()
        async with readers(server.port, CLIENTS, deflate=variant.deflate):
            await full.wait()
            await hub.broadcast(MESSAGE)
            grown_bytes = resident_bytes() - before_bytes
    return grown_bytes // CLIENTS


def resident_bytes() -> int:
    """Give the memory that this process has, or 0 where this cannot be told; kernel buffers are not among it."""
    gc.collect()
    return IS_LINUX and int(RESIDENT_PAGES.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def tables() -> tuple[Table]:
    """Measure each variant in a process of its own."""
    caption = f"What a client costs on the server: growth of a fresh process with {CLIENTS:,} clients"
    if not IS_LINUX:
        return (Table(["server", "bytes a client"], [], caption, "Not measured: this needs Linux."),)
    rows = []
    for number, variant in enumerate(VARIANTS):
        arguments = [sys.executable, "-m", "benchmarks.memory", str(number)]
        process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        rows.append([variant.name, int(output), variant.why])
    note = f"Each has said and heard a message of {len(MESSAGE):,} bytes. Without the kernel's socket buffers."
    return (Table(["server", "bytes a client", "what for"], rows, caption, note),)


if __name__ == "__main__":
    print(asyncio.run(bytes_per_client(VARIANTS[int(sys.argv[1])])))
