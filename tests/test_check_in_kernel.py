from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kernels import Kernel

kernels = pytest.importorskip("kernels", reason="needs a kernel; install the extra 'lab'")
pytestmark = pytest.mark.lab

SETUP = """
import asyncio, signal, threading, warnings
import wslab

async def echo(websocket):
    async for message in websocket:
        await websocket.send(message)

async def asleep(websocket):
    print("connected", flush=True)
    await asyncio.get_running_loop().create_future()

async def deaf(websocket):
    print("connected", flush=True)
    while True:
        pass

def left():
    threads = [each.name for each in threading.enumerate() if each.name == "wslab check"]
    tasks = [task for task in asyncio.all_tasks() if "websocket" in repr(task) or "wslab" in repr(task)]
    return threads, tasks, wslab.registry._entries
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with kernels.running_kernel(SETUP) as kernel:
        yield kernel


def test_a_check_passes_in_a_kernel_with_all_its_own_tasks(kernel: Kernel) -> None:
    assert kernel.ask("await wslab.check.echo(echo)").startswith("echo: passed, 4 of 4 cases")
    assert kernel.ask("left()") == "([], [], [])"


def test_a_check_that_runs_across_cells_does_not_blame_them(kernel: Kernel) -> None:
    kernel.run("checking = asyncio.ensure_future(wslab.check.echo(echo))")
    assert kernel.ask("await checking").startswith("echo: passed, 4 of 4 cases")


@pytest.mark.parametrize("handler", ["asleep", "deaf"])
def test_an_interrupt_ends_a_check_and_leaves_nothing_behind(kernel: Kernel, handler: str) -> None:
    before = kernel.ask("signal.getsignal(signal.SIGINT), len(warnings.filters)")
    cell = kernel.interrupt(kernel.start(f"await wslab.check.echo({handler})"), "connected")
    assert cell.error in ("CancelledError", "KeyboardInterrupt"), cell
    assert kernel.ask("left()") == "([], [], [])"
    assert kernel.ask("signal.getsignal(signal.SIGINT), len(warnings.filters)") == before
    assert kernel.ask("await wslab.check.echo(echo)").startswith("echo: passed")


ROOM = """
import gc
from wslab import actor, actors

class Room(actors.Actor):
    async def handle(self, message, ctx):
        return message

class Chatter(actors.WebSocketActor):
    def __init__(self, room):
        self.room = room

    async def on_text(self, text, ctx):
        await ctx.text(await self.room.send(text))

chat = actors.handler(Chatter, Room().start())
"""


def test_a_cell_that_starts_an_actor_may_be_run_and_checked_again_and_again(kernel: Kernel) -> None:
    for _ in range(3):
        kernel.run(ROOM)
        assert "one_room: not yet" in kernel.ask("await wslab.check.one_room(chat)")
        assert "echo: not yet, at case 3" in kernel.ask("await wslab.check.echo(chat)")
    kernel.run("gc.collect(); await asyncio.sleep(0)")
    assert kernel.ask("actor.actors_running()") == "1"
    kernel.run("del chat; gc.collect(); await asyncio.sleep(0)")
    kernel.run("await asyncio.sleep(0)")
    assert kernel.ask("actor.actors_running()") == "0"
