"""Whose turn it is, and who waits for whom in it."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from leaks import nothing_is_left  # noqa: F401

from wslab.errors import DeadlockError
from wslab.turn import Turn, waiting_for


@asynccontextmanager
async def asking(turn: Turn, answering: Turn) -> AsyncIterator[None]:
    """Let a task of its own have a turn, and wait in it for another's."""

    async def ask() -> None:
        async with turn:
            with waiting_for(answering):
                waits.set()
                await end.wait()

    waits, end = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(ask())
    await waits.wait()
    yield
    end.set()
    await task


async def test_one_has_the_turn_at_a_time() -> None:
    turn, order = Turn("Lobby"), []

    async def take() -> None:
        async with turn:
            order.append("begin")
            await asyncio.sleep(0)
            order.append("end")

    await asyncio.gather(take(), take())
    assert order == ["begin", "end"] * 2


async def test_a_turn_is_free_when_nobody_has_it_or_is_next() -> None:
    async def take() -> None:
        async with turn:
            frees.append(turn.free)

    turn, frees = Turn("Lobby"), []
    assert turn.free
    async with turn:
        frees.append(turn.free)
        first, second = asyncio.create_task(take()), asyncio.create_task(take())
        await asyncio.sleep(0)
        second.cancel()
    frees.append(turn.free)
    await asyncio.wait({first, second})
    assert frees == [False] * 3 and second.cancelled() and turn.free


async def test_a_turn_that_is_over_holds_no_task() -> None:
    async def take() -> None:
        async with turn:
            pass

    turn = Turn("Lobby")
    task = asyncio.create_task(take())
    await task
    known = weakref.ref(task)
    del task
    await asyncio.sleep(0)  # the step that the end of the task has woken holds it
    assert known() is None


async def test_a_circle_is_refused_however_long_it_is() -> None:
    ann, ben, cem = Turn("Ann"), Turn("Ben"), Turn("Cem")
    async with asking(ann, ben), asking(ben, cem), cem:
        with (
            pytest.raises(DeadlockError, match="Cem waits for Ann, which waits for Ben, which waits for Cem") as caught,
            waiting_for(ann),
        ):
            pass
    assert caught.value.actors == ("Cem", "Ann", "Ben", "Cem")


async def test_a_chain_is_no_circle() -> None:
    ann, ben, cem = Turn("Ann"), Turn("Ben"), Turn("Cem")
    async with asking(ann, ben), cem:
        with waiting_for(ann):
            assert cem.waits_for is ann
        assert cem.waits_for is None


async def test_once_an_answer_has_come_it_may_go_the_other_way() -> None:
    ann, ben = Turn("Ann"), Turn("Ben")
    async with asking(ann, ben):
        pass
    async with ben:
        with waiting_for(ann):
            pass


async def test_who_has_no_turn_waits_for_anybody() -> None:
    ann = Turn("Ann")
    async with asking(ann, Turn("Ben")):
        with waiting_for(ann):
            assert ann.waits_for is not None


def test_a_turn_is_left_though_its_loop_has_ended_before() -> None:
    async def take() -> None:
        async with Turn("Lobby"):
            await asyncio.Event().wait()

    async def begin() -> asyncio.Task[None]:
        task = asyncio.create_task(taking)
        await asyncio.sleep(0)
        return task

    taking, loop = take(), asyncio.new_event_loop()
    task = loop.run_until_complete(begin())
    loop.close()
    taking.close()
    del task
