"""Own what wslab has started and not yet stopped, so that running a cell again replaces what it started before.

It also owns the heartbeat of a kernel: "interrupt kernel" ends an awaiting cell only when something wakes the loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from dataclasses import dataclass
from typing import Protocol

from .cells import CellRun, in_kernel, running_cell

__all__ = ["Closable", "forget", "register", "replace_earlier", "running_on", "stop_all"]

HEARTBEAT_S = 0.05


class Closable(Protocol):
    """A service that can be closed: `close` is idempotent, ends within seconds, and returns when all is closed."""

    async def close(self) -> None:
        """Close, and wait until nothing is left."""


@dataclass(eq=False, frozen=True, slots=True)
class _Entry:
    service: Closable
    port: int | None
    loop: asyncio.AbstractEventLoop
    run: CellRun | None

    def gives_way_to(self, run: CellRun, port: int | None) -> bool:
        if self.run is None:
            return False
        same_port = bool(port) and port == self.port and self.run.number < run.number
        return same_port or run.replaces(self.run)


_entries: list[_Entry] = []
_beating: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()


async def replace_earlier(port: int | None = None) -> None:
    """Close what earlier runs of the running cell started, and whatever an earlier run of any cell holds port with.

    Outside a kernel there are no cells, and nothing is closed.

    Args:
        port: The fixed port that the caller is about to listen on; None or 0 if it takes any.
    """
    _drop_dead()
    run = running_cell()
    if run is not None:
        await _close([entry for entry in _entries if entry.gives_way_to(run, port)])


def register(service: Closable, port: int | None = None) -> None:
    """Remember a service that has just started on the running loop.

    Args:
        service: What to close when its cell runs again.
        port: The port that it listens on, if any.
    """
    _drop_dead()
    loop = asyncio.get_running_loop()
    _entries.append(_Entry(service, port, loop, running_cell()))
    if in_kernel() and loop not in _beating:
        _beating.add(loop)
        _beat(loop)


def forget(service: Closable) -> None:
    """Forget a service that has stopped; one that is not registered is no error."""
    _entries[:] = [entry for entry in _entries if entry.service is not service]


def running_on(port: int) -> bool:
    """Whether a registered service listens on port."""
    _drop_dead()
    return any(entry.port == port for entry in _entries)


async def stop_all() -> None:
    """Close every server and tap that wslab started in this process, and wait until they are closed."""
    _drop_dead()
    await _close(list(_entries))


def _drop_dead() -> None:
    # A closed loop has taken its services with it; keeping them would keep the loop alive.
    _entries[:] = [entry for entry in _entries if not entry.loop.is_closed()]


async def _close(entries: list[_Entry]) -> None:
    # The shield lets the closing finish when the cell that asked for it is interrupted.
    outcomes = await asyncio.shield(asyncio.gather(*map(_close_one, entries), return_exceptions=True))
    for outcome in outcomes:
        if outcome is not None:
            raise outcome


async def _close_one(entry: _Entry) -> None:
    if entry.loop is asyncio.get_running_loop():
        await entry.service.close()
    elif entry.loop.is_running():
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(entry.service.close(), entry.loop))
    else:  # a loop that stands still closes nothing
        return
    forget(entry.service)


def _beat(loop: asyncio.AbstractEventLoop) -> None:
    if any(entry.loop is loop for entry in _entries):
        loop.call_later(HEARTBEAT_S, _beat, loop, context=contextvars.Context())
    else:
        _beating.discard(loop)
