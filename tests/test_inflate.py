"""Compressed payloads, decompressed within bounds."""

import zlib

import pytest
from websockets.datastructures import Headers
from websockets.frames import BINARY, PING, TEXT
from websockets.protocol import CLIENT, SERVER

from wslab.frames import WireFrame
from wslab.inflate import Budget, Inflater, inflaters


def deflated(data: bytes) -> bytes:
    window = zlib.compressobj(wbits=-15)
    return (window.compress(data) + window.flush(zlib.Z_SYNC_FLUSH))[:-4]


def test_a_decompression_bomb_stays_small() -> None:
    inflater = Inflater(budget=Budget(1000))
    bomb = deflated(b"\0" * 10**6)
    problem = "shown as it stands: too much to decompress"
    assert inflater.inflate(WireFrame(BINARY, bomb, rsv1=True)) == (True, bomb, problem)
    assert inflater.inflate(WireFrame(TEXT, deflated(b"Hi"), rsv1=True))[2] == problem


@pytest.mark.parametrize("opcode", [TEXT, PING])
def test_what_was_not_compressed_is_left_alone(opcode: int) -> None:
    assert Inflater().inflate(WireFrame(opcode, b"Hi")) == (False, b"Hi", "")


def test_a_budget_spent_exactly_is_no_problem() -> None:
    assert Inflater(budget=Budget(5)).inflate(WireFrame(TEXT, deflated(b"Hello"), rsv1=True)) == (True, b"Hello", "")


def test_each_direction_has_its_own_context_rule() -> None:
    value = "x-other, permessage-deflate; server_no_context_takeover; client_max_window_bits=12"
    found = inflaters(Headers([("Sec-WebSocket-Extensions", value)]))
    assert (found[CLIENT].keeps_context, found[SERVER].keeps_context) == (True, False)


@pytest.mark.parametrize("value", ["", "x-other", "permessage-deflate;;;="])
def test_no_or_unreadable_extensions_decompress_nothing(value: str) -> None:
    assert inflaters(Headers([("Sec-WebSocket-Extensions", value)])) == {}


def test_a_stream_that_ends_itself_is_no_empty_message() -> None:
    ended = bytes.fromhex("f348cdc9c90700")  # "Hello" in a last block (RFC 7692, 7.2.3.4)
    inflater = Inflater()
    assert inflater.inflate(WireFrame(TEXT, ended, rsv1=True)) == (True, b"Hello", "")
    assert inflater.inflate(WireFrame(TEXT, ended, rsv1=True))[2].startswith("shown as it stands")
    fresh = Inflater(keeps_context=False)
    assert [fresh.inflate(WireFrame(TEXT, ended, rsv1=True))[1] for _ in range(2)] == [b"Hello", b"Hello"]
