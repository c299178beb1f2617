"""Faults on a tap: what each does to real sockets, how it is undone, and what stands on the tape."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import errno
import importlib
import os
import re
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import nothing_is_left  # noqa: F401
from raw_ends import End, Line, line, listening, refusing_port, url_of
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError, InvalidMessage, InvalidStatus
from websockets.protocol import CLIENT, SERVER, Side

from wslab import registry
from wslab.errors import FaultError
from wslab.faults import Bandwidth, Down, Fault, Latency, LimitData, ResetPeer, Slicer, SlowClose, Stream, Timeout
from wslab.leg import BUFFER_BYTES
from wslab.pacing import LATENCY_ROOM_BYTES, ROOM_BYTES
from wslab.relay import Relay
from wslab.tap import Tap, tap
from wslab.tape import Tape

PEM = Path(__file__).parent / "test_only_localhost.pem"
READ_BYTES = 256 * 2**10  # what asyncio reads from a socket at once
LONG_S = 3600.0  # passes in no test: only removing the fault lets go of what waits
SHORT_S = 0.03
pytestmark = pytest.mark.timeout(60)  # where something is awaited that never comes
STREAMS: dict[Side, Stream] = {CLIENT: "upstream", SERVER: "downstream"}
BOTH = pytest.mark.parametrize("sender", STREAMS, ids=STREAMS.values())
HOLDING = [Latency(LONG_S), Bandwidth(1 / LONG_S), Slicer(1, delay_s=LONG_S)]
LOSSLESS = [
    Latency(0.002, jitter_s=0.002),
    Latency(LONG_S),
    Bandwidth(200_000),
    Slicer(50, 20),
    Slicer(100, delay_s=0.001),
    SlowClose(0.002),
]


async def echo(websocket: ServerConnection) -> None:
    async for message in websocket:
        await websocket.send(message)


def ends(tape: Tape) -> list[tuple[str, str | None]]:
    return [(record.sender.name.lower(), record.end) for record in tape.where(kind="end")]


async def pass_through(source: End, destination: End, data: bytes = b"ping") -> None:
    await source.write(data)
    assert await destination.reader.readexactly(len(data)) == data


async def rounds(count: int = 20) -> None:
    """Let the loop go round: what could happen without time passing has happened then."""
    for _ in range(count):
        await asyncio.sleep(0)


def narrow(pair: Line, size_bytes: int) -> Relay:
    """Let little wait in the kernel on the way to the client, so that the tap has to hold the rest."""
    (relay,) = pair.tap._relays.values()
    for transport, option in ((pair.client.transport, socket.SO_RCVBUF), (relay.client.transport, socket.SO_SNDBUF)):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, size_bytes)
    return relay


async def until(holds: Callable[[], object]) -> None:
    """Await what no event tells of."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0)


async def let_pass(time_s: float) -> None:
    """Await a point in time: for what must not happen by then."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(time_s, over.set)
    await over.wait()


async def nothing_comes(end: End) -> None:
    await rounds()
    assert not end.reader._buffer and not end.reader.at_eof()  # type: ignore[attr-defined]


# Delays


@BOTH
async def test_latency_delays_what_passes_in_its_direction_alone(sender: Side) -> None:
    loop = asyncio.get_running_loop()
    async with line() as pair:
        source, destination = pair.between(sender)
        with pair.tap.fault(Latency(LONG_S), stream=STREAMS[CLIENT if sender is SERVER else SERVER]):
            await pass_through(source, destination)
        with pair.tap.fault(Latency(SHORT_S), stream=STREAMS[sender]):
            began_s = loop.time()
            await pass_through(source, destination)
            assert loop.time() - began_s >= SHORT_S


@pytest.mark.parametrize("fault", HOLDING, ids=repr)
@BOTH
async def test_what_waits_passes_when_the_fault_is_removed(sender: Side, fault: Fault) -> None:
    async with line() as pair:
        source, destination = pair.between(sender)
        active = pair.tap.add(fault, stream=STREAMS[sender])
        await source.write(b"one")
        await active.struck()
        await source.write(b", two")
        source.writer.write_eof()
        await rounds()
        assert b"one, two" not in bytes(destination.reader._buffer)  # type: ignore[attr-defined]
        pair.tap.remove(active)
        assert await destination.reader.read(-1) == b"one, two"
        assert active.strikes >= 2


async def test_jitter_does_not_change_the_order() -> None:
    async with line(seed=1) as pair:
        pair.tap.add(Latency(0.005, jitter_s=0.005))
        for number in range(50):
            pair.server.writer.write(bytes([number]))
            await asyncio.sleep(0)
        assert await pair.client.reader.readexactly(50) == bytes(range(50))


async def test_bandwidth_lets_no_more_pass_than_its_rate() -> None:
    loop = asyncio.get_running_loop()
    async with line() as pair:
        pair.tap.add(Bandwidth(50_000), stream="upstream")
        began_s = loop.time()
        for size in (1000, 1000):
            await pass_through(pair.client, pair.server, bytes(size))
        assert loop.time() - began_s >= 2000 / 50_000


@BOTH
async def test_slow_close_holds_back_the_end_and_no_data(sender: Side) -> None:
    async with line() as pair:
        source, destination = pair.between(sender)
        with pair.tap.fault(SlowClose(LONG_S), stream=STREAMS[sender]) as active:
            await pass_through(source, destination)
            source.writer.write_eof()
            await active.struck()
            await pass_through(destination, source)
            await nothing_comes(destination)
        assert await destination.heard() == "FIN"
        await pass_through(destination, source)
    assert ends(pair.tap.tape)[0] == (sender.name.lower(), "eof")


async def test_slow_close_lets_the_end_pass_after_its_delay() -> None:
    loop = asyncio.get_running_loop()
    async with line() as pair:
        pair.tap.add(SlowClose(SHORT_S))
        began_s = loop.time()
        pair.server.writer.write_eof()
        assert await pair.client.heard() == "FIN"
        assert loop.time() - began_s >= SHORT_S


@pytest.mark.parametrize("fault", [Latency(SHORT_S), SlowClose(SHORT_S)], ids=repr)
@BOTH
async def test_a_reset_is_delayed_as_well_and_stays_a_reset(sender: Side, fault: Fault) -> None:
    loop = asyncio.get_running_loop()
    async with line() as pair:
        source, destination = pair.between(sender)
        await pass_through(source, destination)
        pair.tap.add(fault, stream=STREAMS[sender])
        began_s = loop.time()
        source.reset()
        assert await destination.heard() == "RST"
        assert loop.time() - began_s >= SHORT_S
    assert ends(pair.tap.tape) == [(sender.name.lower(), "reset")]


async def test_who_writes_to_an_endpoint_that_has_been_reset_learns_of_it_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with line() as pair:
        with pair.tap.fault(Latency(LONG_S)) as active:
            await pass_through(pair.client, pair.server)
            pair.server.reset()
            await active.struck()
            for _ in range(10):
                await pair.client.write(b"into the void")
                await rounds(3)
        assert await pair.client.heard() == "RST"
    assert caplog.messages == []


@BOTH
async def test_both_ends_may_be_under_way_at_once(sender: Side) -> None:
    async with line() as pair:
        source, destination = pair.between(sender)
        pair.tap.add(Latency(SHORT_S), stream=STREAMS[sender])
        source.writer.write(b"last words")
        source.writer.write_eof()
        destination.writer.write(b"of both")
        destination.writer.write_eof()
        assert await source.reader.read(-1) == b"of both"
        assert await destination.reader.read(-1) == b"last words"


async def test_an_end_is_heard_once_however_much_waits_before_it() -> None:
    blob = bytes(3 * 2**20)
    async with line() as pair:
        narrow(pair, 64 * 2**10)
        pair.client.transport.pause_reading()
        with pair.tap.fault(Latency(LONG_S)):
            pair.server.writer.write(blob)
            pair.server.writer.write_eof()
            await until(lambda: ends(pair.tap.tape))
        pair.client.transport.resume_reading()
        assert await pair.client.reader.read(-1) == blob
        await pass_through(pair.client, pair.server)
    assert ends(pair.tap.tape)[0] == ("server", "eof") and len(ends(pair.tap.tape)) == 2


# Pieces


class Pieces(asyncio.Protocol):
    """Note the size of each piece that arrives."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.over = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.sizes.append(len(data))

    def connection_lost(self, error: Exception | None) -> None:
        self.over.set()


async def pieces_of(data: bytes, fault: Fault, seed: int) -> list[int]:
    async with listening() as (listener, accepted), tap(url_of(listener), seed=seed) as tapped:
        tapped.add(fault)
        _, pieces = await asyncio.get_running_loop().create_connection(Pieces, tapped.host, tapped.port)
        server = await accepted.get()
        server.writer.write(data)
        server.writer.write_eof()
        await pieces.over.wait()
        await server.close()
    return pieces.sizes


@pytest.mark.parametrize("delay_s", [0, 0.0001])
async def test_slices_arrive_one_by_one(delay_s: float) -> None:
    sizes = await pieces_of(bytes(2000), Slicer(50, 10, delay_s), seed=1)
    assert sum(sizes) == 2000
    assert set(sizes[:-1]) <= set(range(40, 61))


async def test_the_seed_repeats_the_slices() -> None:
    first, again, other = [await pieces_of(bytes(1000), Slicer(20, 10), seed) for seed in (1, 1, 2)]
    assert first == again != other


# Loss


@BOTH
async def test_a_black_hole_swallows_one_direction_until_it_closes(sender: Side) -> None:
    loop = asyncio.get_running_loop()
    async with line() as pair:
        source, destination = pair.between(sender)
        began_s = loop.time()
        active = pair.tap.add(Timeout(SHORT_S), stream=STREAMS[sender])
        await source.write(b"lost")
        await pass_through(destination, source)
        await active.struck()
        assert [await end.heard() for end in (source, destination)] == ["FIN", "FIN"]
        assert loop.time() - began_s >= SHORT_S
    assert pair.tap.tape.wire(sender) == b"lost"
    assert sorted(ends(pair.tap.tape)) == [("client", "fault"), ("server", "fault")]


@BOTH
async def test_a_black_hole_swallows_ends_too(sender: Side) -> None:
    async with line() as pair:
        source, destination = pair.between(sender)
        with pair.tap.fault(Timeout(0), stream=STREAMS[sender]) as active:
            source.reset()
            await active.struck()
            await destination.write(b"to nobody")
            await nothing_comes(destination)
        assert await destination.heard() == "FIN"
    assert (sender.name.lower(), "reset") in ends(pair.tap.tape)


@pytest.mark.parametrize("lost", [True, False], ids=["with loss", "without"])
async def test_a_connection_survives_a_black_hole_if_it_lost_nothing(lost: bool) -> None:
    async with line() as pair:
        with pair.tap.fault(Timeout(0)) as active:
            await pass_through(pair.client, pair.server)
            if lost:
                pair.server.writer.write(b"lost")
                await active.struck()
        if lost:
            assert [await end.heard() for end in (pair.client, pair.server)] == ["FIN", "FIN"]
        else:
            await pass_through(pair.server, pair.client)


async def test_what_follows_a_hole_in_the_stream_is_never_heard() -> None:
    async with line() as pair:
        hole, later = pair.tap.add(Timeout(0)), pair.tap.add(Latency(LONG_S))
        await pair.server.write(b"lost")
        await hole.struck()
        pair.tap.remove(hole)  # its end of the connection now waits in the other
        await pair.server.write(b"behind the hole")
        await until(lambda: later.strikes == 2)
        pair.tap.remove(later)
        assert await pair.client.reader.read(-1) == b""


@pytest.mark.parametrize("limit_bytes", [0, 1, 5, 10, 15])
@BOTH
async def test_limit_data_lets_exactly_so_many_bytes_pass_and_then_a_fin(sender: Side, limit_bytes: int) -> None:
    async with line() as pair:
        source, destination = pair.between(sender)
        await pass_through(source, destination)  # counting begins with the fault
        pair.tap.add(LimitData(limit_bytes), stream=STREAMS[sender])
        for data in (b"12345", b"67890", b"abcdefgh"):
            source.writer.write(data)
            await rounds(3)
        assert await destination.reader.read(-1) == b"1234567890abcdefgh"[:limit_bytes]
        assert await source.heard() == "FIN"
    assert sorted(ends(pair.tap.tape)) == [("client", "fault"), ("server", "fault")]


async def test_a_limit_is_reached_behind_what_other_faults_hold() -> None:
    async with line() as pair:
        with pair.tap.fault(LimitData(5)), pair.tap.fault(Latency(SHORT_S)), pair.tap.fault(Slicer(2, 0, 0.001)):
            await pair.server.write(b"1234567")
            assert await pair.client.reader.read(-1) == b"12345"


async def test_a_receiver_that_writes_gets_the_whole_of_the_limit_and_a_fin() -> None:
    async with line() as pair:
        blob = bytes(3 * 2**20)
        pair.client.transport.pause_reading()
        pair.tap.add(LimitData(len(blob)))
        await pair.client.push_until_stuck()  # what is unread when a socket closes makes the close an RST
        pair.server.writer.write(blob)
        await rounds(200)
        pair.client.transport.resume_reading()
        assert await pair.client.reader.read(-1) == blob


# Ends


@BOTH
async def test_reset_peer_resets_both(sender: Side) -> None:
    async with line() as pair:
        await pass_through(pair.client, pair.server)
        with pair.tap.fault(ResetPeer(), stream=STREAMS[sender]) as active:
            assert [await end.heard() for end in (pair.client, pair.server)] == ["RST", "RST"]
            assert active.strikes == 1
    assert ends(pair.tap.tape) == [("client", "fault"), ("server", "fault")]


async def test_reset_peer_lets_everything_pass_until_its_time() -> None:
    loop = asyncio.get_running_loop()
    async with line() as pair:
        began_s = loop.time()
        pair.tap.add(ResetPeer(SHORT_S))
        await pass_through(pair.client, pair.server)
        assert await pair.client.heard() == "RST"
        assert loop.time() - began_s >= SHORT_S


async def test_a_fault_that_is_removed_in_time_closes_nothing() -> None:
    async with line() as pair:
        for fault in (ResetPeer(SHORT_S), Timeout(SHORT_S)):
            with pair.tap.fault(fault):
                pass  # the time runs from here: even one round of a busy loop may take longer
        await let_pass(2 * SHORT_S)
        await pass_through(pair.server, pair.client)


async def test_a_connection_is_cut_once() -> None:
    async with line() as pair:
        first, second = pair.tap.add(Timeout(SHORT_S)), pair.tap.add(Timeout(SHORT_S))
        assert await pair.client.heard() == "FIN"
        await let_pass(2 * SHORT_S)
        assert (first.strikes, second.strikes) == (1, 0)
    assert ends(pair.tap.tape) == [("client", "fault"), ("server", "fault")]


@pytest.mark.parametrize("fault", HOLDING, ids=repr)
async def test_what_waits_when_a_connection_is_cut_is_lost(fault: Fault) -> None:
    async with line() as pair:
        with pair.tap.fault(fault) as active:
            await pair.server.write(b"lost")
            await active.struck()
            with pair.tap.fault(Down()):
                assert b"lost" not in await pair.client.reader.read(-1)


async def test_what_would_pass_after_a_cut_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    async with line() as pair:
        active = pair.tap.add(Latency(SHORT_S))
        await pair.server.write(b"lost")
        await active.struck()
        pair.tap.add(Down())
        assert await pair.client.heard() == "FIN"
        await let_pass(2 * SHORT_S)
    assert caplog.messages == []


async def test_an_endpoint_that_is_cut_off_may_still_write_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wslab.leg.LINGER_S", LONG_S)
    async with line() as pair:
        await pair.client.push_until_stuck()
        pair.tap.add(Down())
        assert await pair.client.push_until_stuck() >= 64 * 2**20  # all that it tries to send
        assert await pair.client.heard() == "FIN"
        assert pair.tap.tape.bytes_from(CLIENT) < 32 * 2**20
        for end in (pair.client, pair.server):
            await end.close()
        await until(lambda: not pair.tap._relays)


async def test_an_endpoint_that_is_cut_off_and_goes_on_is_reset_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wslab.leg.LINGER_S", 0.001)
    async with line() as pair:
        pair.tap.add(Down())
        assert await pair.client.heard() == "FIN"
        with pytest.raises(ConnectionError):
            await pair.client.write_until_refused()


async def test_how_one_side_takes_a_cut_is_not_passed_on_to_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wslab.leg.LINGER_S", LONG_S)
    async with line() as pair:
        pair.tap.add(Down())
        pair.client.reset()
        await rounds()
        assert await pair.server.push_until_stuck() >= 64 * 2**20
        assert await pair.server.heard() == "FIN"


async def test_a_reset_that_comes_after_a_cut_is_not_passed_on_by_whoever_finds_it() -> None:
    async with listening() as (listener, accepted), tap(url_of(listener)) as tapped:
        client = socket.create_connection((tapped.host, tapped.port))
        server = await accepted.get()
        (relay,) = tapped._relays.values()
        tapped.add(Down())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        relay.client._probe()  # this finds it before any reader
        assert not relay.server.transport.is_closing()  # what it has still to write is written
        assert await server.heard() == "FIN"
        await server.close()


async def test_leaving_the_tap_waits_for_those_who_still_read_what_came_before_a_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wslab.leg.LINGER_S", SHORT_S)
    blob = bytes(96 * 2**10)
    async with line() as pair:
        relay = narrow(pair, 16 * 2**10)
        active = pair.tap.add(LimitData(len(blob)))
        pair.client.transport.pause_reading()
        pair.server.writer.write(blob)
        await active.struck()
        assert relay.client.transport.get_write_buffer_size()
        closing = asyncio.create_task(pair.tap.close())
        await rounds()
        pair.client.transport.resume_reading()
        assert await pair.client.reader.read(-1) == blob
        await pair.client.close()
        await closing


async def test_new_connections_are_reset_as_well() -> None:
    async with listening() as (listener, accepted), tap(url_of(listener)) as tapped:
        with tapped.fault(ResetPeer()):
            client = End(*await asyncio.open_connection(tapped.host, tapped.port))
            assert await client.heard() == "RST"
            await client.close()
        assert accepted.empty()
    assert ends(tapped.tape) == [("client", "fault"), ("server", "fault")]


async def test_down_closes_what_is_open_and_refuses_what_is_new_until_it_is_removed() -> None:
    async with listening() as (listener, accepted), tap(url_of(listener)) as tapped:
        client, port = End(*await asyncio.open_connection(tapped.host, tapped.port)), tapped.port
        server = await accepted.get()
        with tapped.fault(Down()) as active:
            assert [await end.heard() for end in (client, server)] == ["FIN", "FIN"]
            for _ in range(3):
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection(tapped.host, tapped.port)
            assert active.strikes == 1
            assert repr(tapped).endswith(", down>")
        assert repr(tapped).endswith(", open>")
        assert tapped.port == port
        for end in (client, server):
            await end.close()
        client = End(*await asyncio.open_connection(tapped.host, tapped.port))
        server = await accepted.get()
        await pass_through(client, server)
        for end in (client, server):
            await end.close()


async def test_nobody_else_gets_the_port_while_it_is_down() -> None:
    async with tap("ws://127.0.0.1:1") as tapped:
        in_use = re.escape(os.strerror(errno.EADDRINUSE))
        with tapped.fault(Down()), socket.socket() as other, pytest.raises(OSError, match=in_use):
            other.bind((tapped.host, tapped.port))


@pytest.mark.parametrize("rounds_before", range(6))
async def test_down_strands_nobody_who_comes_at_the_same_time(rounds_before: int) -> None:
    loop = asyncio.get_running_loop()
    async with listening() as (listener, accepted), tap(url_of(listener)) as tapped:
        with socket.create_connection((tapped.host, tapped.port)) as client:
            client.setblocking(False)
            await rounds(rounds_before)
            with tapped.fault(Down()), contextlib.suppress(ConnectionResetError):
                async with asyncio.timeout(10):
                    assert await loop.sock_recv(client, 1) == b""
        await until(lambda: not tapped._relays)
        while not accepted.empty():
            await accepted.get_nowait().close()


@pytest.mark.parametrize("rounds_between", range(4))
async def test_down_may_come_and_go_however_fast(rounds_between: int) -> None:
    async with listening() as (listener, accepted), tap(url_of(listener)) as tapped:
        for _ in range(5):
            with tapped.fault(Down()):
                await rounds(rounds_between)
            await rounds(rounds_between)
        with tapped.fault(Down()):
            await rounds(rounds_between)
            with tapped.fault(Down()):
                await rounds()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(tapped.host, tapped.port)
        client = End(*await asyncio.open_connection(tapped.host, tapped.port))
        await (await accepted.get()).close()
        await client.close()


@pytest.mark.parametrize("rounds_before", range(4))
@pytest.mark.parametrize("down", [True, False], ids=["down", "just up again"])
async def test_a_tap_can_be_left_while_it_is_down(down: bool, rounds_before: int) -> None:
    async with tap("ws://127.0.0.1:1") as tapped:
        active = tapped.add(Down())
        await rounds()
        if not down:
            tapped.remove(active)
        await rounds(rounds_before)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(tapped.host, tapped.port)


@pytest.mark.parametrize("fault", [ResetPeer(), Down(), Timeout(SHORT_S)], ids=repr)
async def test_a_connection_can_end_while_its_server_is_not_reached_yet(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    trying, reachable = asyncio.Event(), asyncio.Event()

    async def reach_later(protocol: asyncio.Protocol) -> None:
        trying.set()
        await reachable.wait()
        await reach(protocol)

    async with listening() as (listener, accepted), tap(url_of(listener)) as tapped:
        reach = tapped._connect
        monkeypatch.setattr(tapped, "_connect", reach_later)
        client = End(*await asyncio.open_connection(tapped.host, tapped.port))
        await trying.wait()
        tapped.add(fault)
        how = "RST" if isinstance(fault, ResetPeer) else "FIN"
        assert await client.heard() == how
        reachable.set()
        server = await accepted.get()
        assert await server.heard() == how
        for end in (client, server):
            await end.close()


# Which connections


async def struck_by(seed: int, toxicity: float) -> list[bool]:
    """Say which of 16 connections a fault with this toxicity strikes."""
    struck = []
    async with listening() as (listener, accepted), tap(url_of(listener), seed=seed) as tapped:
        tapped.add(LimitData(0), stream="upstream", toxicity=toxicity)
        for _ in range(16):
            client = End(*await asyncio.open_connection(tapped.host, tapped.port))
            server = await accepted.get()
            await client.write(b"?")
            struck.append(await server.heard() == "FIN")
            await client.close()
            await server.close()
    return struck


async def test_toxicity_is_the_share_of_connections_and_the_seed_repeats_it() -> None:
    assert not any(await struck_by(1, 0))
    assert all(await struck_by(1, 1))
    half = await struck_by(1, 0.5)
    assert any(half) and not all(half)
    assert half == await struck_by(1, 0.5) != await struck_by(2, 0.5)


async def test_present_and_future_connections_are_struck() -> None:
    async with listening() as (listener, accepted), tap(url_of(listener)) as tapped:
        present = End(*await asyncio.open_connection(tapped.host, tapped.port))
        opened = [present, await accepted.get()]
        tapped.add(LimitData(0), stream="upstream")
        future = End(*await asyncio.open_connection(tapped.host, tapped.port))
        opened += [future, await accepted.get()]
        for client in (present, future):
            await client.write(b"?")
            assert await client.heard() == "FIN"
        for end in opened:
            await end.close()


# Several at once


async def test_bytes_meet_the_faults_in_the_order_in_which_these_were_added() -> None:
    async with line() as pair:
        with pair.tap.fault(LimitData(6)) as limit, pair.tap.fault(Timeout(0)) as hole:
            assert pair.tap.faults == (limit, hole)
            await pair.server.write(b"123")
            await hole.struck()
            assert limit.strikes == 0
        assert pair.tap.faults == ()


async def test_a_fault_can_be_taken_out_from_between_others() -> None:
    async with line() as pair:
        first, second, third = [pair.tap.add(fault) for fault in (Slicer(2), Latency(LONG_S), Slicer(3))]
        pair.tap.remove(second)
        await pass_through(pair.server, pair.client)
        assert pair.tap.faults == (first, third)


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.sampled_from(LOSSLESS), st.sampled_from(list(STREAMS.values()))),
            st.tuples(st.just("remove"), st.integers(0, 9)),
            st.tuples(st.just("write"), st.sampled_from(list(STREAMS)), st.binary(min_size=1, max_size=400)),
            st.tuples(st.just("wait"), st.integers(1, 5)),
        ),
        max_size=20,
    )
)
def test_faults_that_lose_nothing_lose_nothing_in_any_order(steps: list[tuple[Any, ...]]) -> None:
    async def run() -> tuple[dict[Side, bytes], dict[Side, bytes], Tape]:
        sent: dict[Side, bytes] = {CLIENT: b"", SERVER: b""}
        async with asyncio.timeout(20), line(seed=1) as pair:
            for step in steps:
                await take(step, pair, sent)
            for sender in STREAMS:
                pair.ends[sender].writer.write_eof()
            await rounds(5)
            for active in pair.tap.faults:
                pair.tap.remove(active)
            heard = {sender: await pair.between(sender)[1].reader.read(-1) for sender in STREAMS}
        return sent, heard, pair.tap.tape

    sent, heard, tape = asyncio.run(run())
    assert heard == sent == {sender: tape.wire(sender) for sender in STREAMS}
    assert sorted(ends(tape)) == [("client", "eof"), ("server", "eof")]


async def take(step: tuple[Any, ...], pair: Line, sent: dict[Side, bytes]) -> None:
    match step:
        case "add", fault, stream:
            pair.tap.add(fault, stream=stream)
        case "remove", number if pair.tap.faults:
            pair.tap.remove(pair.tap.faults[number % len(pair.tap.faults)])
        case "write", sender, data:
            sent[sender] += data
            pair.ends[sender].writer.write(data)
        case "wait", count:
            await rounds(count)


# Memory


@pytest.mark.parametrize("fault", HOLDING, ids=repr)
@BOTH
async def test_a_fault_that_holds_much_makes_the_sender_wait(
    sender: Side, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wslab.leg.PROBE_S", LONG_S)
    async with line(Tape(max_bytes=0)) as pair:
        source, destination = pair.between(sender)
        active = pair.tap.add(fault, stream=STREAMS[sender])
        sent = await source.push_until_stuck()
        assert sent < 32 * 2**20
        (relay,) = pair.tap._relays.values()
        leg = relay.source(STREAMS[sender])
        assert leg.line is not None
        (stage,) = leg.line._stages
        room_bytes = LATENCY_ROOM_BYTES if isinstance(fault, Latency) else ROOM_BYTES
        assert room_bytes < stage._waiting_bytes <= room_bytes + READ_BYTES + 200
        pair.tap.remove(active)
        await destination.reader.readexactly(sent)
        await pass_through(source, destination)


async def test_a_reader_that_stops_stops_the_writer_behind_a_fault_too() -> None:
    async with line(Tape(max_bytes=0)) as pair:
        pair.tap.add(Latency(0.001))
        pair.client.transport.pause_reading()
        sent = await pair.server.push_until_stuck()
        assert sent < 32 * 2**20
        (relay,) = pair.tap._relays.values()
        assert relay.client.transport.get_write_buffer_size() <= BUFFER_BYTES + LATENCY_ROOM_BYTES + 2 * READ_BYTES
        pair.client.transport.resume_reading()
        await pair.client.reader.readexactly(sent)
        await pass_through(pair.server, pair.client)


# What can stand behind a tap


@pytest.fixture
def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=PEM)


@pytest.fixture
def certified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


@pytest.mark.parametrize("fault", [Latency(SHORT_S), Slicer(5000), Bandwidth(2e7), SlowClose(SHORT_S)], ids=repr)
async def test_what_a_tls_server_sends_before_it_closes_all_arrives(
    fault: Fault, trusting: ssl.SSLContext, certified: ssl.SSLContext
) -> None:
    blob = bytes(2**20)
    async with (
        listening(certified) as (listener, accepted),
        tap(url_of(listener, "wss", "localhost"), ssl=trusting) as tapped,
    ):
        client = End(*await asyncio.open_connection(tapped.host, tapped.port))
        server = await accepted.get()
        tapped.add(fault)
        server.writer.write(blob)
        closing = asyncio.create_task(server.close())
        assert await client.reader.read(-1) == blob
        await closing
        await client.close()


@pytest.mark.parametrize(
    ("fault", "cause"),
    [(ResetPeer(), "ConnectionResetError"), (Down(), "EOFError"), (LimitData(1), "EOFError")],
    ids=["reset_peer", "down", "limit_data"],
)
async def test_a_tls_server_is_cut_off_too(
    fault: Fault, cause: str, trusting: ssl.SSLContext, certified: ssl.SSLContext
) -> None:
    gone: asyncio.Queue[BaseException | None] = asyncio.Queue()

    async def notice(websocket: ServerConnection) -> None:
        with pytest.raises(ConnectionClosedError) as caught:
            await echo(websocket)
        gone.put_nowait(caught.value.__cause__)

    async with (
        serve(notice, "127.0.0.1", 0, ssl=certified) as server,
        tap(url_of(server, "wss", "localhost"), ssl=trusting) as tapped,
        connect(tapped.url) as websocket,
    ):
        tapped.add(fault, stream="upstream")
        with contextlib.suppress(ConnectionClosedError):
            await websocket.send("Hello")
        with pytest.raises(ConnectionClosedError):
            await websocket.recv()
        assert type(await gone.get()).__name__ == cause


@pytest.mark.parametrize("fault", [Latency(SHORT_S), Slicer(7), Bandwidth(20_000)], ids=repr)
async def test_the_answer_in_place_of_a_missing_server_passes_through_faults_too(fault: Fault) -> None:
    async with refusing_port() as port, tap(f"ws://127.0.0.1:{port}") as tapped:
        with tapped.fault(fault) as active, pytest.raises(InvalidStatus, match="502"):
            await connect(tapped.url)
    assert active.strikes


async def test_a_client_of_a_missing_server_can_be_reset() -> None:
    async with refusing_port() as port, tap(f"ws://127.0.0.1:{port}") as tapped:
        client = End(*await asyncio.open_connection(tapped.host, tapped.port))
        (relay,) = tapped._relays.values()
        await relay.server.opened.wait()
        tapped.add(ResetPeer())
        assert await client.heard() == "RST"
        await client.close()
    assert ends(tapped.tape) == [("client", "fault"), ("server", "fault")]


# What websockets makes of it


SEEN: dict[str, tuple[Fault, str]] = {
    "timeout": (Timeout(SHORT_S), "EOFError"),
    "reset_peer": (ResetPeer(), "ConnectionResetError"),
    "limit_data": (LimitData(3), "EOFError"),
    "down": (Down(), "EOFError"),
}


@pytest.mark.parametrize(("fault", "cause"), SEEN.values(), ids=SEEN.keys())
async def test_what_websockets_makes_of_a_cut(fault: Fault, cause: str) -> None:
    seen: asyncio.Queue[ConnectionClosedError] = asyncio.Queue()

    async def notice(websocket: ServerConnection) -> None:
        try:
            await echo(websocket)
        except ConnectionClosedError as error:
            seen.put_nowait(error)

    async with serve(notice, "127.0.0.1", 0) as server, tap(url_of(server)) as tapped:
        async with connect(tapped.url) as websocket:
            await websocket.send("Hello")
            tapped.add(fault)
            with pytest.raises(ConnectionClosedError) as caught:
                await websocket.recv()
        for error in (caught.value, await seen.get()):
            assert (error.rcvd, error.sent, type(error.__cause__).__name__) == (None, None, cause)
    assert f"by {fault.name}, with " in repr(tapped.tape)


OPENING = {
    "timeout": (Timeout(SHORT_S), InvalidMessage),
    "black hole": (Timeout(0), TimeoutError),
    "reset_peer": (ResetPeer(), InvalidMessage),
    "limit_data": (LimitData(20), InvalidMessage),
    "down": (Down(), ConnectionRefusedError),
}


@pytest.mark.parametrize(("fault", "expected"), OPENING.values(), ids=OPENING.keys())
async def test_what_websockets_makes_of_it_while_it_connects(fault: Fault, expected: type[Exception]) -> None:
    async with serve(echo, "127.0.0.1", 0) as server, tap(url_of(server)) as tapped:
        with tapped.fault(fault), pytest.raises(expected):
            await connect(tapped.url, open_timeout=5 * SHORT_S if expected is TimeoutError else 10)
        async with connect(tapped.url) as websocket:
            await websocket.send("Hello")
            assert await websocket.recv() == "Hello"


async def test_keepalive_finds_a_black_hole() -> None:
    async with (
        serve(echo, "127.0.0.1", 0) as server,
        tap(url_of(server)) as tapped,
        connect(tapped.url, ping_interval=SHORT_S, ping_timeout=SHORT_S, close_timeout=SHORT_S) as websocket,
    ):
        with tapped.fault(Timeout(0)), pytest.raises(ConnectionClosedError, match="keepalive ping timeout"):
            await websocket.recv()


# The tape


async def test_the_tape_says_which_fault_cut_the_connection_and_how() -> None:
    async with line() as pair:
        pair.tap.add(LimitData(3))
        pair.server.writer.write(b"HTTP/1.1 200 OK")
        assert await pair.client.heard() == "data"
        assert await pair.server.heard() == "FIN"
    tape = pair.tap.tape
    assert [(record.sender, record.what, record.content()) for record in tape] == [
        (CLIENT, "cut", "by limit_data, with a FIN"),
        (SERVER, "data", "'HTTP/1.1 200 OK'; an incomplete head or body"),
        (SERVER, "cut", "by limit_data, with a FIN"),
    ]


async def test_a_direction_that_had_ended_before_is_not_cut() -> None:
    async with line() as pair:
        pair.client.writer.write_eof()
        assert await pair.server.heard() == "FIN"
        pair.tap.add(ResetPeer())
        assert await pair.client.heard() == "RST"
    assert ends(pair.tap.tape) == [("client", "eof"), ("server", "fault")]


async def test_the_tape_shows_what_was_sent_even_if_it_is_on_its_way() -> None:
    async with line() as pair:
        with pair.tap.fault(Latency(LONG_S)) as active:
            await pair.server.write(b"sent")
            await active.struck()
            assert pair.tap.tape.wire(SERVER) == b"sent"


# Their life


async def test_leaving_the_tap_lets_go_of_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("wslab.tap"), "FINISH_S", LONG_S)
    async with listening() as (listener, accepted):
        async with tap(url_of(listener)) as tapped:
            client = End(*await asyncio.open_connection(tapped.host, tapped.port))
            server = await accepted.get()
            active = tapped.add(Latency(LONG_S))
            server.writer.write(b"last words")
            server.writer.write_eof()
            client.writer.write_eof()
            await active.struck()
        assert await client.reader.read(-1) == b"last words"
        assert tapped.faults == ()
        for end in (client, server):
            await end.close()


@pytest.mark.parametrize("fault", [Timeout(0), Timeout(LONG_S), *HOLDING, SlowClose(LONG_S), Down()], ids=repr)
async def test_leaving_the_tap_cuts_whatever_faults_there_are(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wslab.leg.LINGER_S", SHORT_S)
    async with listening() as (listener, accepted):
        async with tap(url_of(listener)) as tapped:
            client = End(*await asyncio.open_connection(tapped.host, tapped.port))
            server = await accepted.get()
            for stream in STREAMS.values():
                tapped.add(fault, stream=stream)
            for end in (client, server):
                await end.write(b"?")
            await rounds()
        assert not tapped._relays
        for end in (client, server):
            await end.close()


async def test_a_tap_can_be_closed_within_a_fault() -> None:
    async with tap("ws://127.0.0.1:1") as tapped:
        with tapped.fault(Latency(1)):
            await registry.stop_all()
        assert repr(tapped).endswith("closed>")


async def test_a_fault_ends_with_its_block_even_if_that_fails() -> None:
    async with tap("ws://127.0.0.1:1") as tapped:
        with pytest.raises(ZeroDivisionError), tapped.fault(Latency(1)):
            _ = 1 / 0
        assert tapped.faults == ()


async def test_nothing_that_a_fault_does_belongs_to_the_cell_that_added_it() -> None:
    cell: contextvars.ContextVar[str] = contextvars.ContextVar("cell", default="none")

    class Spy(Tape):
        def ended(self, *args: Any) -> None:
            cells.append(cell.get())
            super().ended(*args)

    cells: list[str] = []
    async with listening() as (listener, accepted), tap(url_of(listener), tape=Spy()) as tapped:
        cell.set("the cell that added it")
        for fault in (Timeout(0.001), Down()):
            client = End(*await asyncio.open_connection(tapped.host, tapped.port))
            server = await accepted.get()
            with tapped.fault(fault):
                assert await client.heard() == "FIN"
            for end in (client, server):
                await end.close()
        client = End(*await asyncio.open_connection(tapped.host, tapped.port))  # by way of the door that opened again
        await client.close()
        await (await accepted.get()).close()
    assert cells == ["none"] * 6


@pytest.mark.parametrize("fault", [ResetPeer(LONG_S), Timeout(LONG_S), Latency(LONG_S)], ids=repr)
async def test_a_fault_forgets_connections_that_have_ended(fault: Fault) -> None:
    async with line() as pair:
        active = pair.tap.add(fault)
        ((relaying, relay),) = pair.tap._relays.items()
        assert list(active._harms) == [relay]
        await pair.server.write(b"?")
        relaying.cancel()
        await asyncio.wait({relaying})
        await rounds()
        assert not active._harms
        assert relay.client.line is relay.server.line is None


async def test_no_fault_begins_on_a_connection_that_is_over() -> None:
    async with line() as pair:
        (relay,) = pair.tap._relays.values()
        for end in (pair.client, pair.server):
            await end.close()
        await until(lambda: not pair.tap._relays)
        active = pair.tap.add(Latency(1))
        active.strike(relay)
        assert not active._harms


# Bad input


BAD: dict[str, tuple[Callable[[Tap], object], str]] = {
    "negative": (lambda _: Latency(-1), "latency_s is -1"),
    "no number": (lambda _: Latency("1"), "latency_s is '1'"),  # type: ignore[arg-type]
    "not a number": (lambda _: Timeout(float("nan")), "timeout_s is nan"),
    "infinite": (lambda _: SlowClose(float("inf")), "delay_s is inf"),
    "huge": (lambda _: Latency(10**400), "latency_s is 1000"),
    "huge rate": (lambda _: Bandwidth(10**400), "rate_bytes_s is 1000"),
    "negative jitter": (lambda _: Latency(1, -1), "jitter_s is -1"),
    "truth": (lambda _: ResetPeer(True), "timeout_s is True"),
    "no rate": (lambda _: Bandwidth(0), "rate_bytes_s is 0"),
    "half a byte": (lambda _: LimitData(0.5), "limit_bytes is 0.5"),  # type: ignore[arg-type]
    "fewer than none": (lambda _: LimitData(-1), "limit_bytes is -1"),
    "empty slices": (lambda _: Slicer(0), "average_bytes is 0"),
    "too much variation": (lambda _: Slicer(5, 5), "variation_bytes is 5 and average_bytes 5"),
    "no fault": (lambda t: t.add(0.2), "0.2 is not a fault"),  # type: ignore[arg-type]
    "a class": (lambda t: t.add(Down), "Down'> is not a fault"),  # type: ignore[arg-type]
    "no stream": (lambda t: t.add(Down(), stream="both"), "stream is 'both'"),  # type: ignore[arg-type]
    "too toxic": (lambda t: t.add(Latency(1), toxicity=2), "toxicity is 2"),
    "half down": (lambda t: t.add(Down(), toxicity=0.5), "Down has a toxicity of 0.5"),
    "not at work": (lambda t: t.remove(Down()), r"Down\(\) is not at work"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("attempt", "happened"), BAD.values(), ids=BAD.keys())
async def test_what_cannot_be_is_refused_at_once(attempt: Callable[[Tap], object], happened: str) -> None:
    async with tap("ws://127.0.0.1:1") as tapped:
        with pytest.raises(FaultError, match=happened):
            attempt(tapped)
        assert tapped.faults == ()


async def test_only_an_open_tap_takes_faults() -> None:
    tapped = tap("ws://127.0.0.1:1")
    with pytest.raises(FaultError, match="has not been opened"):
        tapped.add(Latency(1))
    async with tapped:
        active = tapped.add(Latency(1))
        tapped.remove(active)
        with pytest.raises(FaultError, match="is not at work"):
            tapped.remove(active)
    with pytest.raises(FaultError, match="has been closed"):
        tapped.add(Latency(1))


async def test_another_thread_is_told_so() -> None:
    async with tap("ws://127.0.0.1:1") as tapped:
        with pytest.raises(FaultError, match=r"tap.add was called on a different thread"):
            await asyncio.to_thread(tapped.add, Down())
        active = tapped.add(Latency(1))
        with pytest.raises(FaultError, match=r"tap.remove was called on a different thread"):
            await asyncio.to_thread(tapped.remove, active)
        assert tapped.faults == (active,)


async def test_reprs_say_what_is_at_work_and_where() -> None:
    async with tap("ws://127.0.0.1:1") as tapped:
        tapped.add(Latency(0.2, jitter_s=0.1), toxicity=0.5)
        tapped.add(Slicer(1), stream="upstream")
        tapped.add(ResetPeer(9))
        assert [repr(active) for active in tapped.faults] == [
            "<Latency(latency_s=0.2, jitter_s=0.1) downstream, toxicity 0.5>",
            "<Slicer(average_bytes=1, variation_bytes=0, delay_s=0) upstream>",
            "<ResetPeer(timeout_s=9)>",
        ]
