from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kernels import Kernel

kernels = pytest.importorskip("kernels", reason="needs a kernel; install the extra 'lab'")
pytestmark = pytest.mark.lab

SETUP = """
import asyncio
import wslab
from wslab import registry
from wslab.crowd import crowd

async def listen(websocket):
    await websocket.wait_closed()

async def hold(connection, request):
    print("asked", flush=True)
    await asyncio.get_running_loop().create_future()

server = await wslab.serve(listen)
"""
COUNTS = "len(server.connections), len(clients), [client.closed for client in clients]"


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with kernels.running_kernel(SETUP) as kernel:
        yield kernel
        assert kernel.ask("await wslab.stop_all()\nregistry._entries, len(asyncio.all_tasks())").startswith("([], ")


def test_running_the_cell_again_replaces_its_crowd(kernel: Kernel) -> None:
    for _ in range(3):
        cell = kernel.run("clients = await crowd(server, 4)", cell_id="the crowd")
        assert not cell.error and cell.stdout == cell.stderr == ""
        assert kernel.ask(COUNTS) == "(4, 4, [None, None, None, None])"
    kernel.ask("await clients.close()")
    assert kernel.ask(COUNTS) == "(0, 4, [1000, 1000, 1000, 1000])"


def test_an_interrupted_cell_closes_its_crowd(kernel: Kernel) -> None:
    code = "async with crowd(server, 4) as clients:\n    print('inside', flush=True)\n    await asyncio.sleep(600)"
    cell = kernel.interrupt(kernel.start(code, "a crowd that waits"), "inside")
    assert cell.error in ("KeyboardInterrupt", "CancelledError")
    assert kernel.ask(COUNTS) == "(0, 4, [1000, 1000, 1000, 1000])"


def test_an_interrupt_while_a_crowd_connects_leaves_nothing(kernel: Kernel) -> None:
    code = "async with wslab.serve(listen, process_request=hold) as silent:\n    await crowd(silent, 4)"
    cell = kernel.interrupt(kernel.start(code, "a crowd that gets no answer"), "asked")
    assert cell.error in ("KeyboardInterrupt", "CancelledError")
    assert kernel.ask("len(registry._entries)") == "1"
