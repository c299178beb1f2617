from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kernels import Kernel

kernels = pytest.importorskip("kernels", reason="needs a kernel; install the extra 'lab'")
pytestmark = pytest.mark.lab

SETUP = """
import asyncio, sys
import wslab

async def echo(websocket):
    async for message in websocket:
        await websocket.send(message)

async def waits():
    try:
        print("waiting", flush=True)
        await asyncio.get_running_loop().create_future()
    finally:
        print("cleaned up")
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    # nest-asyncio changes the kernel for good, so these tests share one that the others do not use.
    with kernels.running_kernel(SETUP) as kernel:
        yield kernel


def test_asyncio_run_fails_in_a_cell_and_run_works(kernel: Kernel) -> None:
    failing = "coroutine = asyncio.sleep(0, 'slept')\nasyncio.run(coroutine)"
    assert kernel.run(failing).error == "RuntimeError"
    assert kernel.ask("wslab.run(coroutine)") == "'slept'"


@pytest.mark.parametrize("before", ["", "await asyncio.sleep(0)\n"], ids=["plain cell", "cell that awaits"])
def test_clients_and_servers_run_nested(kernel: Kernel, before: str) -> None:
    code = "server = wslab.run(wslab.serve(echo))\nwslab.run(wslab.exchange(server, 'Hello'))"
    assert kernel.ask(before + code) == "['Hello']"
    assert kernel.ask("await wslab.exchange(server, 'again')\nawait wslab.stop_all()\nserver") == (
        "<wslab server echo, closed>"
    )


@pytest.mark.parametrize("before", ["", "await asyncio.sleep(0)\n"], ids=["plain cell", "cell that awaits"])
def test_an_interrupt_ends_a_nested_run_and_the_kernel_goes_on(kernel: Kernel, before: str) -> None:
    cell = kernel.interrupt(kernel.start(before + "wslab.run(waits())"), when="waiting")
    assert (cell.stdout, cell.error) == ("waiting\ncleaned up\n", "KeyboardInterrupt")
    assert kernel.ask("wslab.run(asyncio.sleep(0, 1)) + await asyncio.sleep(0, 2)") == "3"


def test_the_doctor_finds_a_kernel_that_awaits(kernel: Kernel) -> None:
    code = "[finding.state for finding in wslab.doctor().findings if finding.checked in ('kernel', 'await in a cell')]"
    assert kernel.ask(code) == "['ok', 'ok']"
