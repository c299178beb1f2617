"""A door: shut, opened again on the same port, and closed at any time."""

from __future__ import annotations

import asyncio
import socket

import pytest
from leaks import nothing_is_left  # noqa: F401

from wslab.door import Door


async def opened() -> Door:
    door = Door(asyncio.Protocol)
    await door.open(never=0)
    return door


def is_answered(door: Door) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", door.port)) == 0


async def test_it_lets_in_whoever_comes_while_it_is_open() -> None:
    door = await opened()
    assert door.is_open and is_answered(door)
    door.shut()
    assert not door.is_open and not is_answered(door)
    door.reopen()
    assert door.is_open and is_answered(door)  # at once, before the loop has gone round
    await door.close()
    assert not door.is_open and not is_answered(door)


@pytest.mark.parametrize("rounds", range(5))
async def test_it_can_be_closed_while_it_opens_again(rounds: int) -> None:
    door = await opened()
    door.shut()
    door.reopen()
    for _ in range(rounds):
        await asyncio.sleep(0)
    await door.close()
    assert not is_answered(door)


@pytest.mark.parametrize("rounds", range(5))
async def test_it_can_be_shut_while_it_opens_again(rounds: int) -> None:
    door = await opened()
    door.shut()
    door.reopen()
    for _ in range(rounds):
        await asyncio.sleep(0)
    door.shut()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not is_answered(door)
    door.reopen()
    assert is_answered(door)
    await door.close()


async def test_it_keeps_off_a_port() -> None:
    door = Door(asyncio.Protocol)
    await door.open(never=0)
    other = Door(asyncio.Protocol)
    await other.open(never=door.port)
    assert door.port != other.port
    await door.close()
    await other.close()


async def test_it_can_be_closed_twice_and_unopened() -> None:
    door = await opened()
    await door.close()
    await door.close()
    await Door(asyncio.Protocol).close()


class Guest(asyncio.Protocol):
    """Leave at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


@pytest.mark.parametrize("rounds", range(5))
async def test_nobody_is_let_in_after_it_was_closed(rounds: int) -> None:
    """What the loop has accepted already, it brings a round later."""
    came: list[Guest] = []

    def accept() -> asyncio.Protocol:
        came.append(Guest())
        return came[-1]

    door = Door(accept)
    await door.open(never=0)
    with socket.create_connection(("127.0.0.1", door.port)):
        for _ in range(rounds):
            await asyncio.sleep(0)
        await door.close()
        let_in = len(came)
        for _ in range(5):
            await asyncio.sleep(0)
    assert len(came) == let_in


async def test_nothing_small_is_held_back_on_its_way_to_who_was_let_in() -> None:
    options = asyncio.get_running_loop().create_future()

    class Asking(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            let_in = transport.get_extra_info("socket")
            options.set_result(let_in.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.close()

    door = Door(Asking)
    await door.open(never=0)
    assert is_answered(door)
    async with asyncio.timeout(5):
        assert await options
    await door.close()
