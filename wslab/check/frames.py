"""Own the checks of lesson 02 on one frame: encode it as a client does, decode it from the front of some bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from string import ascii_lowercase

from websockets.frames import BINARY, CLOSE, PING, PONG, TEXT

from ..frames import WireFrame, encode
from .frame_mistakes import count, triple, wrong_decoding, wrong_encoding
from .judge import Verdict, judged
from .on_function import FunctionBench, on_function
from .report import Finding, shown, value_shown

__all__ = ["decode_frame", "encode_frame"]

_KEY = bytes.fromhex("37 fa 21 3d")  # RFC 6455, 5.7
_SIZES = (0, 1, 125, 126, 127, 255, 256, 65_535, 65_536)  # around each step of the length
_NOT_YET = (
    "Missing bytes are not an error, they mean None: compare len(data) with what the header says, before you go on."
)


async def one_short_word(bench: FunctionBench) -> None:
    _encodes(bench, "Hello", _KEY)


async def letters_of_more_than_one_byte(bench: FunctionBench) -> None:
    _encodes(bench, "é", _KEY)
    _encodes(bench, f"{bench.text()} café", bench.random.randbytes(4))


async def every_form_of_the_length(bench: FunctionBench) -> None:
    for size_bytes in (*_SIZES, bench.random.randrange(256, 5_000)):
        await asyncio.sleep(0)  # the watch looks at each call alone: slow code may be right
        _encodes(bench, bench.random.choice(ascii_lowercase) * size_bytes, bench.random.randbytes(4))


def encode_frame(function: Callable[[str, bytes], bytes], *, seed: int | None = None) -> Verdict[FunctionBench]:
    """Check a function that encodes a text message as the one frame that a client sends (lesson 02).

    Args:
        function: Takes the text and the masking-key, and gives the frame's bytes.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is no function of two arguments.

    Example:
        report = await wslab.check.encode_frame(encode_frame)
    """
    cases = [one_short_word, letters_of_more_than_one_byte, every_form_of_the_length]
    return judged("encode_frame", on_function(function, "a function encode_frame(text, masking_key)"), cases, seed)


def _encodes(bench: FunctionBench, text: str, key: bytes) -> None:
    wire = encode(WireFrame(TEXT, text.encode(), masking_key=key))
    sent = f"{shown(text)}, {count(len(text.encode()))} as UTF-8, and the key {key.hex(' ')}"
    got = bench.call(text, key, sent=sent, expected=value_shown(wire), section="RFC 6455, 5.2")
    if got == wire:
        return
    what, section, hint = wrong_encoding(got, text, wire)
    facts = {"sent": sent, "got": value_shown(got), "expected": value_shown(wire)}
    raise Finding(what, **facts, section=section and f"RFC 6455, {section}", hint=hint)


async def one_short_word_masked_or_not(bench: FunctionBench) -> None:
    _decodes(bench, WireFrame(TEXT, b"Hello"))
    _decodes(bench, WireFrame(TEXT, b"Hello", masking_key=_KEY))


async def every_form_of_the_length_masked_or_not(bench: FunctionBench) -> None:
    for size_bytes in (*_SIZES, bench.random.randrange(256, 5_000)):
        payload, fin = bench.random.randbytes(size_bytes), bench.random.random() < 0.5
        for key in (None, bench.random.randbytes(4)):
            await asyncio.sleep(0)
            _decodes(bench, WireFrame(bench.random.choice((TEXT, BINARY)), payload, fin, masking_key=key))


async def what_follows_is_handed_back(bench: FunctionBench) -> None:
    for opcode in (PING, PONG, CLOSE):
        key = bench.random.choice((None, bench.random.randbytes(4)))
        _decodes(bench, WireFrame(opcode, b"\x03\xe8bye", masking_key=key), rest=bench.data())


async def cut_short_gives_nothing_yet(bench: FunctionBench) -> None:
    _waits(bench, encode(WireFrame(TEXT, b"Hello", masking_key=_KEY)))
    for size_bytes in (0, 3, 300, 65_536):
        for key in (None, bench.random.randbytes(4)):
            _waits(bench, encode(WireFrame(BINARY, bench.random.randbytes(size_bytes), masking_key=key)))


def decode_frame(function: Callable[[bytes], object], *, seed: int | None = None) -> Verdict[FunctionBench]:
    """Check a function that decodes one frame from the front of some bytes (lesson 02).

    Args:
        function: Takes bytes and gives (opcode, payload, rest), or None if the frame is not whole yet.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is no function of one argument.

    Example:
        report = await wslab.check.decode_frame(decode_frame)
    """
    cases = [
        one_short_word_masked_or_not,
        every_form_of_the_length_masked_or_not,
        what_follows_is_handed_back,
        cut_short_gives_nothing_yet,
    ]
    return judged("decode_frame", on_function(function, "a function decode_frame(data)"), cases, seed)


def _decodes(bench: FunctionBench, frame: WireFrame, rest: bytes = b"") -> None:
    data, expected = encode(frame) + rest, (int(frame.opcode), frame.payload, rest)
    facts = {"sent": value_shown(data), "expected": triple(expected)}
    got = bench.call(data, **facts, section="RFC 6455, 5.2")
    if isinstance(got, tuple | list) and tuple(got) == expected:
        return
    what, section, hint = wrong_decoding(got, frame, rest)
    raise Finding(what, **facts, got=triple(got), section=f"RFC 6455, {section}", hint=hint)


def _waits(bench: FunctionBench, wire: bytes) -> None:
    cuts = sorted({*range(min(len(wire), 16)), len(wire) - 1})
    for size_bytes in cuts:
        begun = value_shown(wire[:size_bytes]) if size_bytes else "b''"
        facts = {"sent": f"{begun}, of a frame of {count(len(wire))}", "expected": "None"}
        got = bench.call(wire[:size_bytes], **facts, section="lesson 02, A read is not a frame", hint=_NOT_YET)
        if got is not None:
            what = "Your function decoded a frame that is not whole."
            raise Finding(what, **facts, got=triple(got), section="lesson 02, A read is not a frame", hint=_NOT_YET)
