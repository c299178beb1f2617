"""The checks of lesson 02 pass whatever is right, however it is written, and survive whatever comes back."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest
from websockets.frames import Opcode

import wslab
from wslab.check import Report

SEEDS = 5
CHECKS: dict[str, Callable[..., Any]] = {
    "encode_frame": wslab.check.encode_frame,
    "decode_frame": wslab.check.decode_frame,
    "messages": wslab.check.messages,
    "first_broken_rule": wslab.check.first_broken_rule,
}


def encoded_by_wslab(text: str, masking_key: bytes) -> bytes:
    return wslab.encode(wslab.WireFrame(wslab.TEXT, text.encode(), masking_key=masking_key))


def encoded_step_by_step(text: str, masking_key: bytes) -> bytearray:
    payload = text.encode("utf-8")
    frame = bytearray([0b1000_0001])
    if len(payload) <= 125:
        frame.append(0x80 | len(payload))
    elif len(payload) <= 0xFFFF:
        frame += struct.pack(">BH", 0x80 | 126, len(payload))
    else:
        frame += struct.pack(">BQ", 0x80 | 127, len(payload))
    frame.extend(masking_key)
    frame.extend(byte ^ key for byte, key in zip(payload, cycle(masking_key), strict=False))
    return frame


def encoded_slowly(text: str, masking_key: bytes) -> bytes:
    masked = b""
    for i, byte in enumerate(text.encode()):
        masked += bytes([byte ^ masking_key[i % 4]])
    return encoded_by_wslab(text, masking_key)[: -len(masked) or None] + masked


def decoded_by_wslab(data: bytes) -> tuple[int, bytes, bytes] | None:
    decoded = wslab.decode(data, strict=False)
    return decoded and (decoded[0].opcode, decoded[0].payload, data[decoded[1] :])


def decoded_step_by_step(data: bytes) -> list[Any] | None:
    try:
        first, second = data[:2]
        data = data[2:]
        size = second & 0x7F
        if size > 125:
            form, width = ("!H", 2) if size == 126 else ("!Q", 8)
            (size,) = struct.unpack(form, data[:width])
            data = data[width:]
        key = bytes(4)
        if second & 0x80:
            key, data = struct.pack("4B", *data[:4]), data[4:]
    except (ValueError, struct.error):
        return None
    if size > len(data):
        return None
    return [Opcode(first & 0x0F), bytearray(map(int.__xor__, data[:size], cycle(key))), memoryview(data)[size:]]


def messages_by_one_pass_each(frames: list[wslab.WireFrame]) -> Any:
    control = tuple(frame for frame in frames if frame.opcode > 7)
    whole: list[str | bytes] = []
    pieces: list[wslab.WireFrame] = []
    for frame in (frame for frame in frames if frame.opcode <= 7):
        pieces.append(frame)
        if frame.fin:
            data = b"".join(piece.payload for piece in pieces)
            whole.append(str(data, "utf-8") if pieces[0].opcode == 1 else data)
            pieces.clear()
    return [whole, control]


def messages_that_eat_their_input(frames: list[wslab.WireFrame]) -> Any:
    whole: list[Any] = []
    control, data, name = [], bytearray(), ""
    while frames:
        frame = frames.pop(0)
        if frame.name in ("PING", "PONG", "CLOSE"):
            control.append(frame)
            continue
        name = name or frame.name
        data += frame.payload
        if frame.fin:
            whole.append(data.decode() if name == "TEXT" else data)
            data, name = bytearray(), ""
    return whole, control


def broken_by_the_decoder(frames: list[wslab.WireFrame]) -> tuple[int, str] | None:
    try:
        wslab.Decoder(wslab.CLIENT).feed(b"".join(map(wslab.encode, frames)))
    except wslab.DecodeError as error:
        return len(error.frames), error.section
    return None


def broken_by_order_first(frames: list[wslab.WireFrame]) -> list[Any] | None:
    begun = False
    for index, frame in enumerate(frames):
        section = ""
        if frame.name == "CONT" and not begun:
            section = "5.4"
        if frame.name in ("TEXT", "BINARY") and begun:
            section = "5.4"
        if frame.name in ("TEXT", "BINARY", "CONT"):
            begun = not frame.fin
        if frame.name in ("PING", "PONG", "CLOSE") and (len(frame.payload) >= 126 or not frame.fin):
            section = "5.5"
        if frame.rsv1 or frame.rsv2 or frame.rsv3 or frame.name.startswith("0x"):
            section = "5.2"
        if frame.masking_key is None:
            section = "5.1"
        if section:
            return [index, section]
    return None


RIGHT: list[tuple[str, Callable[..., Any]]] = [
    ("encode_frame", encoded_by_wslab),
    ("encode_frame", encoded_step_by_step),
    ("encode_frame", encoded_slowly),
    ("decode_frame", decoded_by_wslab),
    ("decode_frame", decoded_step_by_step),
    ("messages", messages_by_one_pass_each),
    ("messages", messages_that_eat_their_input),
    ("first_broken_rule", broken_by_the_decoder),
    ("first_broken_rule", broken_by_order_first),
]


@pytest.mark.parametrize(("check", "function"), RIGHT, ids=[function.__name__ for _, function in RIGHT])
async def test_another_right_answer_passes(check: str, function: Callable[..., Any]) -> None:
    for seed in range(SEEDS):
        report: Report = await CHECKS[check](function, seed=seed)
        assert report.passed, report


ODD: list[Any] = [
    *(0, True, 1.5, "81", b"", b"\x81", b"\x81\xff", b"\x81\xfe\x00", memoryview(b"\x81"), {}, set(), object()),
    *((), (1,), (1, "5.5.1"), (-7, "5.1"), (10**9, "5.4"), (True, "5.1"), (0, []), (0, 5.1), [1, b"Hello"]),
    *((None, None), ([], []), ([1], [2]), ([b"Hello"], None), (["Hello"], [b"\xff"]), ("Hello", b"\xff\x00")),
    *((1, "Hello", b""), (1, b"Hello", "rest"), (1, None, None), ("1", [], {}), (0x81, b"Hello", b""), [object()] * 3),
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
async def test_whatever_comes_back_is_told_in_words(check: str, odd: Any) -> None:
    def function(*arguments: Any) -> Any:
        return odd

    report = await CHECKS[check](function, seed=1)
    assert not report.passed
    assert report.finding.got and report.finding.expected and report.finding.hint
    assert " at 0x" not in repr(report)


@pytest.mark.parametrize("check", CHECKS)
async def test_a_function_that_is_something_else_is_refused(check: str) -> None:
    for candidate in (None, 5, lambda: None):
        with pytest.raises(wslab.WslabError, match=rf"{check}\("):
            await CHECKS[check](candidate)


async def test_what_does_not_end_is_told_with_what_was_given() -> None:
    def decode_frame(data: bytes) -> Any:
        while len(data) < 100:
            pass

    report = await wslab.check.decode_frame(decode_frame)
    assert report.finding is not None
    assert report.finding.happened == "Your function did not come to an end."
    assert "81 05 48 65 6c 6c 6f" in report.finding.sent and "line" in report.finding.got
