"""A real kernel for a test: run cells as a front end does, and see which output belongs to which cell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from kernel_sockets import local_kernel_manager

# Long enough for any machine; when nothing comes for so long, nothing will.
PATIENCE_S = 30


@dataclass
class Cell:
    """One run of a cell, and what the kernel has said that belongs to it."""

    request: str
    stdout: str = ""
    stderr: str = ""
    result: str = ""
    error: str = ""
    traceback: str = ""
    done: bool = False

    def take(self, kind: str, content: dict[str, Any]) -> None:
        if kind == "stream":
            setattr(self, content["name"], getattr(self, content["name"]) + content["text"])
        elif kind == "execute_result":
            self.result = content["data"]["text/plain"]
        elif kind == "error":
            self.error, self.traceback = content["ename"], "\n".join(content["traceback"])
        elif kind == "status":
            self.done = content["execution_state"] == "idle"


@dataclass
class Kernel:
    """A running kernel, and the cells that it has been asked to run."""

    manager: KernelManager
    client: BlockingKernelClient
    cells: dict[str, Cell] = field(default_factory=dict)

    def start(self, code: str, cell_id: str | None = None) -> Cell:
        """Send a cell and do not wait for it. Some front ends say which cell it is, some do not."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
        metadata = {"cellId": cell_id} if cell_id else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        cell = self.cells[message["header"]["msg_id"]] = Cell(message["header"]["msg_id"])
        return cell

    def listen(self) -> None:
        """Take the next thing that the kernel says, and give it to the cell that it belongs to."""
        message = self.client.get_iopub_msg(timeout=PATIENCE_S)
        cell = self.cells.get(message["parent_header"].get("msg_id", ""))
        if cell is not None:
            cell.take(message["msg_type"], message["content"])

    def wait(self, cell: Cell) -> Cell:
        while not cell.done:
            self.listen()
        return cell

    def run(self, code: str, cell_id: str | None = None) -> Cell:
        return self.wait(self.start(code, cell_id))

    def ask(self, code: str) -> str:
        """Run a cell that must succeed and give its result."""
        cell = self.run(code)
        assert not cell.error, cell.traceback
        return cell.result

    def interrupt(self, cell: Cell, when: str) -> Cell:
        """Interrupt a cell when it has printed something, and wait for its end."""
        while when not in cell.stdout:
            assert not cell.done, cell
            self.listen()
        self.manager.interrupt_kernel()
        return self.wait(cell)


@contextmanager
def running_kernel(setup: str) -> Iterator[Kernel]:
    manager = local_kernel_manager()
    spec = manager.kernel_spec
    assert spec is not None
    # A kernel named python3 in the reader's home could be another Python.
    spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=2 * PATIENCE_S)
        kernel = Kernel(manager, client)
        kernel.ask(setup)
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
