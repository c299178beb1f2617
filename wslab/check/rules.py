"""Own the check of lesson 02 on illegal frames: which of them is the first, and which rule it breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from websockets.frames import BINARY, CONT, PING, PONG, TEXT

from ..frames import WireFrame
from .fragments import fragments, listed, masked
from .judge import Verdict, judged
from .on_function import FunctionBench, on_function
from .report import Finding, value_shown

__all__ = ["first_broken_rule"]

_KEY = bytes.fromhex("37 fa 21 3d")
_RESERVED = (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
_RULES = {
    "5.1": "each frame from a client is masked",
    "5.2": "RSV bits are 0 without an extension, and opcodes 3 to 7 and 11 to 15 are reserved",
    "5.4": "a continuation continues an unfinished message, and no other message begins before its end",
    "5.5": "a control frame has FIN and carries at most 125 bytes",
}
_SECTIONS = "'5.1', '5.2', '5.4' or '5.5'"


async def a_frame_without_a_mask(bench: FunctionBench) -> None:
    hello = WireFrame(TEXT, b"Hello", masking_key=_KEY)
    _finds(bench, (1, "5.1"), [hello, WireFrame(TEXT, b"Hello")])
    _finds(bench, None, [hello, hello])


async def legal_frames_are_not_blamed(bench: FunctionBench) -> None:
    one, two, three = fragments(bench, TEXT, bench.text(1).encode(), b"", bench.text(1).encode())
    _finds(bench, None, [one, masked(bench, PING, b"there?"), two, masked(bench, PONG), three])
    _finds(bench, None, [masked(bench, BINARY, bench.data(size)) for size in (1, 125, 126)])
    _finds(bench, None, [masked(bench, PING, bytes(125)), masked(bench, TEXT), masked(bench, BINARY)])
    _finds(bench, None, [])


async def reserved_bits_and_opcodes(bench: FunctionBench) -> None:
    before = [masked(bench, TEXT, bench.text(1).encode()) for _ in range(bench.random.randrange(3))]
    for bit in ("rsv1", "rsv2", "rsv3"):
        _finds(bench, (len(before), "5.2"), [*before, masked(bench, BINARY, bench.data(), **{bit: True})])
    for opcode in _RESERVED:
        _finds(bench, (len(before), "5.2"), [*before, masked(bench, opcode, bench.data()), *before])


async def control_frames_whole_and_small(bench: FunctionBench) -> None:
    before = [masked(bench, PING, bytes(125))] * bench.random.randrange(3)
    for opcode in (PING, PONG):
        _finds(bench, (len(before), "5.5"), [*before, masked(bench, opcode, bytes(126))])
        _finds(bench, (len(before), "5.5"), [*before, masked(bench, opcode, b"there?", fin=False), *before])


async def fragments_in_order(bench: FunctionBench) -> None:
    one, two = bench.text(1).encode(), bench.text(1).encode()
    first, last = fragments(bench, bench.random.choice((TEXT, BINARY)), one, two)
    whole, ping = masked(bench, TEXT, two), masked(bench, PING, b"there?")
    _finds(bench, (0, "5.4"), [last, whole])
    _finds(bench, (2, "5.4"), [first, ping, whole])
    _finds(bench, (3, "5.4"), [first, last, ping, last])


async def only_the_first_counts(bench: FunctionBench) -> None:
    whole = masked(bench, TEXT, bench.text(1).encode())
    broken = [
        ("5.1", WireFrame(BINARY, bench.data())),
        ("5.2", masked(bench, 3)),
        ("5.4", masked(bench, CONT)),
        ("5.5", masked(bench, PONG, bytes(126))),
    ]
    bench.random.shuffle(broken)
    _finds(bench, (1, broken[0][0]), [whole, *(frame for _, frame in broken)])


def first_broken_rule(
    function: Callable[[list[WireFrame]], tuple[int, str] | None], *, seed: int | None = None
) -> Verdict[FunctionBench]:
    """Check a function that finds the first illegal frame of a client (lesson 02).

    Args:
        function: Takes a list of frames, and gives the index of the first that is illegal and the section of
            RFC 6455 that says so, "5.1", "5.2", "5.4" or "5.5"; None if there is none.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is no function of one argument.

    Example:
        report = await wslab.check.first_broken_rule(first_broken_rule)
    """
    cases = [
        a_frame_without_a_mask,
        legal_frames_are_not_blamed,
        reserved_bits_and_opcodes,
        control_frames_whole_and_small,
        fragments_in_order,
        only_the_first_counts,
    ]
    return judged("first_broken_rule", on_function(function, "a function first_broken_rule(frames)"), cases, seed)


def _finds(bench: FunctionBench, expected: tuple[int, str] | None, frames: list[WireFrame]) -> None:
    facts = {"sent": listed(frames), "expected": value_shown(expected)}
    got = bench.call(list(frames), **facts)
    if got == expected or (isinstance(got, list) and tuple(got) == expected):
        return
    if got is not None and not _is_answer(got):
        what, hint = "Your function did not return an index and a section.", f'return index, "5.1"; it is {_SECTIONS}'
    elif expected is None:
        what, hint = _blamed(got[0], frames)
    else:
        what, hint = _missed(got, *expected)
    section = f"RFC 6455, {expected[1]}" if expected else "RFC 6455, 5.4 and 5.5"
    raise Finding(what, **facts, got=value_shown(got), section=section, hint=hint)


def _is_answer(got: Any) -> bool:
    return isinstance(got, tuple | list) and len(got) == 2 and isinstance(got[0], int) and got[1] in tuple(_RULES)


def _blamed(index: int, frames: list[WireFrame]) -> tuple[str, str]:
    """Say why the frame that was blamed is legal."""
    frame = frames[index] if index in range(len(frames)) else None
    if frame is None:
        return f"There is no frame {index}.", "Indices begin with 0; None if every frame is legal."
    if frame.opcode >= 8 and len(frame.payload) == 125:
        return "125 bytes are allowed in a control frame.", "126 is the first size that is too large."
    if frame.opcode >= 8:
        return (
            "A control frame may stand between two fragments.",
            "Deal with opcodes from 8 up before you look at the order.",
        )
    if frame.opcode == CONT and any(each.opcode >= 8 for each in frames[:index]):
        return "A control frame does not end the message that it interrupts.", "Only FIN on a data frame ends it."
    return f"Frame {index} is legal.", "Which frames may follow one that says: more follows?"


def _missed(got: Any, index: int, section: str) -> tuple[str, str]:
    """Say what is wrong with an answer where there is an illegal frame."""
    rule = f"The rule of {section}: {_RULES[section]}."
    if got is None and section == "5.4":
        return "The order of fragments was broken, and your function found nothing.", rule
    if got is None:
        return "An illegal frame got through.", rule
    if tuple(got) == (index + 1, section):
        return "The frame is right, but counted from 1.", "Indices begin with 0, as enumerate() counts."
    if got[0] > index:
        return f"Frame {index} is already illegal; it is the first that counts.", rule
    if got[0] == index and got[1] == "5.4" and section == "5.5":
        hint = "5.4 forbids fragments of control frames, too. The task asks for 5.5, which judges them as a whole."
        return "The frame is right; the task puts control frames under 5.5.", hint
    if got[0] == index:
        return "The frame is right, but it breaks a different rule.", rule
    return f"Frame {got[0]} is legal.", rule
