"""Chaos: faults drawn from a seed, one after another; and what a feed and its client make of any of them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from math import nan
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaks import nothing_is_left  # noqa: F401
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from wslab.backoff import Backoff
from wslab.chaos import _CHOICES, KINDS, chaos
from wslab.errors import AnswerTimeoutError, FaultError, WslabError
from wslab.faults import Bandwidth, Down, Fault, Latency, LimitData, ResetPeer, Slicer, SlowClose, Stream, Timeout
from wslab.feed import Feed
from wslab.resuming import Gap, Message, ResumingClient, resume
from wslab.servers import serve
from wslab.tap import Tap, tap

Item = Message | Gap

PATIENCE_S = 30
SHORT: dict[str, Any] = {"ping_interval": 0.1, "ping_timeout": 0.1, "close_timeout": 0.1, "open_timeout": 1}
BACKOFF = Backoff(initial_s=0.002, max_s=0.02)


@contextlib.asynccontextmanager
async def tapped_feed(**options: Any) -> AsyncIterator[tuple[Feed, Tap, ResumingClient]]:
    """Give a feed and its client with a tap between them."""

    async def handle(websocket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed, WslabError):
            async with feed.joined(websocket):
                await websocket.wait_closed()

    feed = Feed(**options)
    async with (
        asyncio.timeout(PATIENCE_S),
        serve(handle, **SHORT) as server,
        tap(server, seed=0) as tapped,
        resume(tapped, after=0, backoff=BACKOFF, max_attempts=None, **SHORT) as client,
    ):
        yield feed, tapped, client


async def publish_on(feed: Feed) -> None:
    while True:
        await feed.publish(feed.newest_id + 1)
        await asyncio.sleep(0.001)


async def read_into(items: list[Item], client: ResumingClient, feed: Feed) -> None:
    """Read until all that was published has come."""
    while client.last_id != feed.newest_id:
        items.append(await anext(client))


async def test_through_many_faults_each_message_comes_once_and_in_order() -> None:
    items: list[Item] = []

    async def read() -> None:
        async for item in client:
            items.append(item)

    async with tapped_feed(history=10_000) as (feed, tapped, client):
        publishing, reading = asyncio.create_task(publish_on(feed)), asyncio.create_task(read())
        log = await chaos(tapped, lambda: len(items), count=21, seed=5)
        publishing.cancel()
        reading.cancel()
        await asyncio.wait({publishing, reading})
        await read_into(items, client, feed)
        assert items == [Message(number, number) for number in range(1, feed.newest_id + 1)]
        assert client.connections > 5 and tapped.faults == ()
    assert all(len(log.of(kind.name)) == 3 for kind in KINDS)
    assert all(strike.recovery_s >= strike.held_s for strike in log)


async def test_a_run_repeats_by_its_seed() -> None:
    async with tap("ws://127.0.0.1:1") as tapped:
        logs = [await chaos(tapped, itertools.count().__next__, count=6, seed=seed) for seed in (3, 3, 4)]
    first, again, other = [[(strike.fault, strike.stream) for strike in log] for log in logs]
    assert first == again != other


async def test_only_the_kinds_that_were_asked_for_are_drawn() -> None:
    async with tap("ws://127.0.0.1:1") as tapped:
        log = await chaos(tapped, itertools.count().__next__, count=8, kinds=[ResetPeer, LimitData])
    assert {type(strike.fault) for strike in log} == {ResetPeer, LimitData}
    assert {strike.stream for strike in log} == {"upstream", "downstream"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_held_for_as_long_as_it_needs_to_strike(kind: type[Fault]) -> None:
    for seed in range(300):
        fault, hold_s = _CHOICES[kind](Random(seed))
        assert isinstance(fault, kind)
        assert getattr(fault, "timeout_s", 0) <= hold_s < 0.5


async def test_no_progress_is_an_error_that_says_after_what() -> None:
    async with tap("ws://127.0.0.1:1") as tapped:
        with pytest.raises(AnswerTimeoutError) as caught:
            await chaos(tapped, lambda: 0, seed=11, kinds=[Down], timeout_s=0.01)
        assert tapped.faults == ()
    assert str(caught.value).startswith("no progress after fault 1 of seed 11, Down() ")
    assert "within 0.01 s" in str(caught.value)


async def test_a_run_that_is_cancelled_leaves_no_fault_behind() -> None:
    async with tap("ws://127.0.0.1:1") as tapped:
        running = asyncio.create_task(chaos(tapped, lambda: 0))
        await asyncio.sleep(0)
        assert len(tapped.faults) == 1
        running.cancel()
        await asyncio.wait({running})
        assert tapped.faults == ()


async def test_a_tap_that_is_not_open_is_refused() -> None:
    with pytest.raises(FaultError):
        await chaos(tap("ws://127.0.0.1:1"), lambda: 0)


@pytest.mark.parametrize(
    "options",
    [
        {"kinds": []},
        {"kinds": [SlowClose]},
        {"kinds": ["latency"]},
        {"count": -1},
        {"count": 1.5},
        {"timeout_s": 0},
        {"timeout_s": nan},
    ],
    ids=repr,
)
async def test_an_argument_that_makes_no_sense_is_refused_at_once(options: dict[str, Any]) -> None:
    async with tap("ws://127.0.0.1:1") as tapped:
        with pytest.raises(WslabError) as caught:
            await chaos(tapped, lambda: 0, **options)
        assert type(caught.value) is WslabError  # no AnswerTimeoutError after a while


# With the times of these nothing has to wait: a fault that is removed lets go at once.
FAULTS: st.SearchStrategy[Fault] = st.one_of(
    st.builds(Latency, st.floats(0, 1), st.floats(0, 1)),
    st.builds(Bandwidth, st.floats(1, 10_000)),
    st.builds(Timeout, st.sampled_from([0, 0.001, 1])),
    st.builds(ResetPeer, st.sampled_from([0, 0.001])),
    st.builds(Slicer, st.integers(1, 50)),
    st.builds(LimitData, st.integers(0, 300)),
    st.builds(SlowClose, st.floats(0, 1)),
    st.just(Down()),
)
STEPS = st.lists(st.tuples(FAULTS, st.sampled_from(get_args(Stream)), st.integers(0, 40)), max_size=12)


@given(st.sampled_from([0, 3, 1000]), STEPS)
def test_whatever_the_faults_each_id_comes_once_in_order_or_in_a_gap(
    history: int, steps: list[tuple[Fault, Stream, int]]
) -> None:
    items, newest_id = asyncio.run(live_through(history, steps))
    spans = [(item.id, item.id) if isinstance(item, Message) else item for item in items]
    assert [number for first, last in spans for number in range(first, last + 1)] == list(range(1, newest_id + 1))
    assert all(item.data == item.id for item in items if isinstance(item, Message))
    assert history < 1000 or not any(isinstance(item, Gap) for item in items)


async def live_through(history: int, steps: list[tuple[Fault, Stream, int]]) -> tuple[list[Item], int]:
    """Publish while one fault after another is held for some rounds of the loop; give what came, and the newest id."""
    items: list[Item] = []
    async with tapped_feed(history=history) as (feed, tapped, client):
        for fault, stream, rounds in steps:
            with tapped.fault(fault, stream=stream):
                reading = asyncio.create_task(read_into(items, client, feed))
                for _ in range(rounds):
                    await feed.publish(feed.newest_id + 1)
                reading.cancel()
                await asyncio.wait({reading})
        await read_into(items, client, feed)
        return items, feed.newest_id
