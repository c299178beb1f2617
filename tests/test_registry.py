from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable

import pytest
from leaks import nothing_is_left  # noqa: F401

from wslab import registry
from wslab.cells import CellRun

Runs = Callable[[str | None, int], None]


class Service:
    def __init__(self, port: int | None = None) -> None:
        self.closed_on: asyncio.AbstractEventLoop | None = None
        registry.register(self, port)

    async def close(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        self.closed_on = asyncio.get_running_loop()

    @property
    def closed(self) -> bool:
        return self.closed_on is not None


class BrokenService(Service):
    async def close(self) -> None:
        raise RuntimeError("cannot close")


class SlowService(Service):
    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may_close = asyncio.Event(), asyncio.Event()

    async def close(self) -> None:
        self.asked.set()
        await self.may_close.wait()
        await super().close()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Say which cell runs, and count its run."""

    def now(cell: str | None, number: int) -> None:
        monkeypatch.setattr(registry, "running_cell", lambda: CellRun(cell, number))

    return now


async def test_a_cell_that_runs_again_closes_what_it_started_before(runs: Runs) -> None:
    runs("A", 1)
    first, second = Service(), Service(port=4000)
    runs("A", 2)
    await registry.replace_earlier()
    assert first.closed and second.closed


async def test_services_of_one_run_live_side_by_side(runs: Runs) -> None:
    runs("A", 1)
    first = Service(port=4000)
    await registry.replace_earlier(4000)
    assert not first.closed
    registry.forget(first)


async def test_another_cell_closes_only_what_holds_its_port(runs: Runs) -> None:
    runs("A", 1)
    on_4000, on_4001, on_none = Service(4000), Service(4001), Service()
    runs("B", 2)
    await registry.replace_earlier()
    await registry.replace_earlier(0)
    assert not on_4000.closed
    await registry.replace_earlier(4000)
    assert on_4000.closed and not on_4001.closed and not on_none.closed
    await registry.stop_all()


async def test_a_task_of_an_earlier_run_closes_nothing_of_a_later_one(runs: Runs) -> None:
    runs("A", 2)
    later = Service(4000)
    runs("A", 1)
    await registry.replace_earlier(4000)
    assert not later.closed
    registry.forget(later)


async def test_a_widgets_callback_replaces_by_port_only(runs: Runs) -> None:
    runs(None, 1)
    on_4000, other = Service(4000), Service(4001)
    runs(None, 2)
    await registry.replace_earlier(4000)
    assert on_4000.closed and not other.closed
    registry.forget(other)


async def test_outside_a_kernel_nothing_is_replaced() -> None:
    service = Service(4000)
    await registry.replace_earlier(4000)
    assert not service.closed and registry.running_on(4000)
    registry.forget(service)
    assert not registry.running_on(4000)


async def test_stop_all_closes_everything() -> None:
    services = [Service(), Service(4000)]
    await registry.stop_all()
    assert all(service.closed for service in services)
    await registry.stop_all()  # nothing is left, and that is no error


async def test_one_that_cannot_close_does_not_keep_the_others_open() -> None:
    broken, service = BrokenService(), Service()
    with pytest.raises(RuntimeError, match="cannot close"):
        await registry.stop_all()
    assert service.closed
    registry.forget(broken)


async def test_forgetting_what_is_not_registered_is_no_error() -> None:
    service = Service()
    registry.forget(service)
    registry.forget(service)


async def test_an_interrupted_replacement_still_closes(runs: Runs) -> None:
    runs("A", 1)
    slow = SlowService()
    runs("A", 2)
    replacing = asyncio.create_task(registry.replace_earlier())
    await slow.asked.wait()
    replacing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await replacing
    slow.may_close.set()
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    assert slow.closed


async def test_a_service_is_closed_on_the_loop_that_it_runs_on() -> None:
    started, may_end = threading.Event(), threading.Event()
    services: list[Service] = []

    async def elsewhere() -> None:
        services.append(Service())
        started.set()
        await asyncio.to_thread(may_end.wait)

    thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
    thread.start()
    await asyncio.to_thread(started.wait)
    await registry.stop_all()
    may_end.set()
    await asyncio.to_thread(thread.join)
    assert services[0].closed and services[0].closed_on is not asyncio.get_running_loop()


def test_a_loop_that_stands_still_keeps_its_services_and_stops_nobody() -> None:
    standing = asyncio.new_event_loop()
    service = standing.run_until_complete(started())
    asyncio.run(registry.stop_all())
    assert not service.closed
    standing.run_until_complete(registry.stop_all())
    standing.close()
    assert service.closed


async def started() -> Service:
    return Service(4000)


def test_a_closed_loop_is_let_go_with_all_that_ran_on_it() -> None:
    loop = asyncio.new_event_loop()
    service = weakref.ref(loop.run_until_complete(started()))
    loop.close()
    dead = weakref.ref(loop)
    del loop
    assert not registry.running_on(4000)
    gc.collect()
    assert dead() is None and service() is None


async def test_the_heartbeat_of_a_kernel_beats_while_a_service_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "in_kernel", lambda: True)
    monkeypatch.setattr(registry, "HEARTBEAT_S", 0)
    loop, beats = asyncio.get_running_loop(), 0
    beat = registry._beat

    def counted(loop: asyncio.AbstractEventLoop) -> None:
        nonlocal beats
        beats += 1
        beat(loop)

    monkeypatch.setattr(registry, "_beat", counted)
    first, second = Service(), Service()
    await until(lambda: beats > 5)
    registry.forget(first)
    assert loop in registry._beating
    registry.forget(second)
    await until(lambda: loop not in registry._beating)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 (the heartbeat tells nobody)
        await asyncio.sleep(0)


async def test_outside_a_kernel_there_is_no_heartbeat() -> None:
    service = Service()
    assert not registry._beating
    registry.forget(service)
