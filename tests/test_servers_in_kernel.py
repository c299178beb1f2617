from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kernels import Kernel

kernels = pytest.importorskip("kernels", reason="needs a kernel; install the extra 'lab'")
pytestmark = pytest.mark.lab

SETUP = """
import asyncio, gc, socket
import wslab
from wslab import listener, registry
from websockets.asyncio.client import connect

async def echo(websocket):
    async for message in websocket:
        print("handled", message)
        await websocket.send(message)

async def asleep(websocket):
    print("connected", flush=True)
    await asyncio.get_running_loop().create_future()

async def fail(websocket):
    raise ValueError("on purpose")

def open_now():
    gc.collect()
    sockets = [each for each in gc.get_objects() if isinstance(each, socket.socket) and each.fileno() >= 0]
    return len(asyncio.all_tasks()), len(sockets)

async def calm():
    await wslab.stop_all()
    while registry._beating:
        await asyncio.sleep(0.01)

servers, websocket = [], None
"""
SERVE = "servers.append(await wslab.serve(echo))"
SERVING = "[server.is_serving() for server in servers]"


@pytest.fixture(scope="module")
def one_kernel() -> Iterator[Kernel]:
    with kernels.running_kernel(SETUP) as kernel:
        # The first connection and the first traceback keep something open for good.
        kernel.ask("async with wslab.serve(echo) as server:\n    await wslab.exchange(server, 'Hello')")
        kernel.run("1 / 0")
        # What is there by now need not be searched for sockets again, and no test has to wait long for a grace period.
        kernel.ask("gc.freeze()\nlistener.GRACE_S = 0.2")
        yield kernel


@pytest.fixture
def kernel(one_kernel: Kernel) -> Iterator[Kernel]:
    """Give the kernel, and see that stop_all leaves it as it was."""
    before = one_kernel.ask("open_now()")
    yield one_kernel
    one_kernel.ask("if websocket:\n    await websocket.close()\nservers, websocket, server = [], None, None")
    one_kernel.ask("await calm()")
    assert one_kernel.ask("registry._entries") == "[]"
    assert one_kernel.ask("open_now()") == before


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as other:
        free: int = other.getsockname()[1]
        return free


@pytest.mark.parametrize("cell_id", ["A", None], ids=["with a cell id", "without one"])
def test_running_a_cell_again_replaces_its_server(kernel: Kernel, cell_id: str | None) -> None:
    for _ in range(3):
        kernel.run(SERVE, cell_id)
    assert kernel.ask(SERVING) == "[False, False, True]"
    assert kernel.ask("await wslab.exchange(servers[-1], 'Hello')") == "['Hello']"


def test_a_cell_that_was_edited_still_replaces_its_server(kernel: Kernel) -> None:
    kernel.run(SERVE, "A")
    kernel.run(f"{SERVE}  # edited", "A")
    assert kernel.ask(SERVING) == "[False, True]"


def test_the_servers_of_one_cell_live_side_by_side_and_go_together(kernel: Kernel) -> None:
    kernel.run(f"{SERVE}\n{SERVE}", "A")
    assert kernel.ask(SERVING) == "[True, True]"
    kernel.run(f"{SERVE}\n{SERVE}", "A")
    assert kernel.ask(SERVING) == "[False, False, True, True]"


def test_servers_of_several_cells_live_side_by_side(kernel: Kernel) -> None:
    kernel.run(SERVE, "A")
    kernel.run(SERVE, "B")
    kernel.run("async with wslab.serve(echo):\n    pass", "C")
    assert kernel.ask(SERVING) == "[True, True]"


@pytest.mark.parametrize("cells", [("A", "A"), ("A", "B"), (None, None)], ids=["same cell", "another cell", "no ids"])
def test_a_fixed_port_is_taken_over(kernel: Kernel, port: int, cells: tuple[str, str]) -> None:
    for cell_id in cells:
        cell = kernel.run(f"servers.append(await wslab.serve(echo, port={port}))", cell_id)
        assert not cell.error, cell.traceback
    assert kernel.ask(SERVING) == "[False, True]"
    assert kernel.ask(f"await wslab.exchange('ws://127.0.0.1:{port}', 'Hello')") == "['Hello']"


def test_one_cell_cannot_have_one_port_twice(kernel: Kernel, port: int) -> None:
    cell = kernel.run(
        f"servers.append(await wslab.serve(echo, port={port}))\nawait wslab.serve(echo, port={port})", "A"
    )
    assert cell.error == "PortInUseError" and "another server of this kernel" in cell.traceback


def test_a_client_of_a_replaced_server_sees_1001(kernel: Kernel) -> None:
    kernel.run(SERVE, "A")
    kernel.run("websocket = await connect(servers[-1].url)", "B")
    kernel.run(SERVE, "A")
    closed = "try:\n    await websocket.recv()\nexcept Exception as error:\n    closed = error\nclosed.rcvd.code"
    assert kernel.ask(closed) == "1001"


def test_a_handler_that_never_ends_does_not_hold_up_the_next_run(kernel: Kernel) -> None:
    serve = "servers.append(await wslab.serve(asleep))"
    kernel.run(serve, "A")
    kernel.run("websocket = await connect(servers[-1].url)", "B")
    assert not kernel.run(serve, "A").error
    assert kernel.ask(SERVING) == "[False, True]"


def test_what_a_handler_prints_lands_in_the_cell_that_is_running(kernel: Kernel) -> None:
    starting = kernel.run(SERVE, "A")
    for message in ("one", "two"):
        running = kernel.run(f"await wslab.exchange(servers[-1], '{message}')", message)
        assert running.stdout == f"handled {message}\n"
    assert starting.stdout == ""


def test_what_a_handler_raises_is_told_in_the_cell_that_closes_the_server(kernel: Kernel) -> None:
    cell = kernel.run("async with wslab.serve(fail) as server, connect(server.url) as websocket:\n    pass", "A")
    assert "connection handler failed" in cell.stderr and "ValueError: on purpose" in cell.stderr


def test_an_interrupt_ends_an_awaiting_cell_and_closes_its_server(kernel: Kernel, port: int) -> None:
    waits = f"""
async with wslab.serve(asleep, port={port}) as server, connect(server.url) as websocket:
    await asyncio.get_running_loop().create_future()
"""
    assert kernel.interrupt(kernel.start(waits, "A"), when="connected").error == "CancelledError"
    assert kernel.ask("registry._entries") == "[]"
    assert kernel.run(f"await wslab.exchange('ws://127.0.0.1:{port}', 'x')").error == "UnreachableError"
    assert kernel.interrupt(kernel.start(waits, "A"), when="connected").error == "CancelledError"


def test_an_interrupt_ends_an_awaiting_cell_while_only_another_cells_server_runs(kernel: Kernel) -> None:
    kernel.run(SERVE, "A")
    waits = "print('waiting', flush=True)\nawait asyncio.get_running_loop().create_future()"
    assert kernel.interrupt(kernel.start(waits, "B"), when="waiting").error == "CancelledError"
    assert kernel.ask(SERVING) == "[True]"


def test_a_cell_interrupted_while_it_replaces_its_server_can_run_again(kernel: Kernel) -> None:
    serve = "print('replacing', flush=True)\nservers.append(await wslab.serve(asleep))"
    kernel.run(serve, "A")
    kernel.run("websocket = await connect(servers[-1].url)", "B")
    assert kernel.interrupt(kernel.start(serve, "A"), when="replacing").error == "CancelledError"
    assert not kernel.run(serve, "A").error
    assert kernel.ask(SERVING) == "[False, True]"


def test_serve_forever_is_ended_by_an_interrupt(kernel: Kernel) -> None:
    serve = "server = await wslab.serve(echo)\nprint('serving', flush=True)\nawait server.serve_forever()"
    assert kernel.interrupt(kernel.start(serve, "A"), when="serving").error == "CancelledError"
    assert kernel.ask("server") == "<wslab server echo, closed>"


def test_a_tap_is_replaced_like_a_server(kernel: Kernel) -> None:
    kernel.run(SERVE, "A")
    kernel.run("first = second = None\nfirst, second = second, await wslab.tap(servers[0])", "B")
    kernel.run("old = second", "C")
    kernel.run("first = second = None\nfirst, second = second, await wslab.tap(servers[0])", "B")
    assert kernel.run("await wslab.exchange(old, 'x')").error == "UnreachableError"
    assert kernel.ask("await wslab.exchange(second, 'Hello')") == "['Hello']"
    kernel.ask("old = first = second = None")


def test_the_heart_beats_only_while_something_runs(kernel: Kernel) -> None:
    assert kernel.ask("len(registry._beating)") == "0"
    kernel.run(SERVE, "A")
    assert kernel.ask("len(registry._beating)") == "1"
    kernel.ask("await calm()")
    assert kernel.ask("len(registry._beating)") == "0"
