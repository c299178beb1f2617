"""Own the check of lesson 02 on several frames: the messages that they carry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from websockets.frames import BINARY, CONT, PING, PONG, TEXT

from ..frames import WireFrame
from .bench import Bench
from .client import Message
from .judge import Verdict, judged
from .on_function import FunctionBench, on_function
from .report import Finding, value_shown

__all__ = ["fragments", "listed", "masked", "messages"]

_FRAGMENTS = "lesson 02, One message can be several frames"
_KEY = bytes.fromhex("37 fa 21 3d")
_CUT_HINT = "A fragment may end inside a character: join the bytes first, decode once, at FIN."
_LETTERS = ("é", "Ω", "€", "\N{OLD PERSIAN SIGN A}")  # two to four bytes of UTF-8


def masked(bench: Bench, opcode: int, payload: bytes = b"", fin: bool = True, **bits: Any) -> WireFrame:
    """Make a frame as a client sends it, with a masking-key that is drawn."""
    return WireFrame(opcode, payload, fin, **bits, masking_key=bench.random.randbytes(4))


def fragments(bench: Bench, kind: int, *pieces: bytes) -> list[WireFrame]:
    """Make the frames of one message in pieces."""
    last = len(pieces) - 1
    return [masked(bench, CONT if i else kind, piece, i == last) for i, piece in enumerate(pieces)]


async def a_frame_is_a_message(bench: FunctionBench) -> None:
    frames = [WireFrame(TEXT, b"Hello", masking_key=_KEY), WireFrame(BINARY, b"\xff\x00", masking_key=_KEY)]
    _gives(bench, ["Hello", b"\xff\x00"], frames)


async def fragments_are_one_message(bench: FunctionBench) -> None:
    one, two, data = bench.text(1), bench.text(2), bench.data()
    frames = fragments(bench, TEXT, one.encode(), two.encode(), b"") + fragments(bench, BINARY, data, data)
    _gives(bench, [one + two, data + data], frames)


async def control_frames_come_in_between(bench: FunctionBench) -> None:
    one, two = bench.text(1), bench.text(1)
    first, last = fragments(bench, TEXT, one.encode(), two.encode())
    frames = [first, masked(bench, PING, b"there?"), last, masked(bench, PONG, b"here")]
    _gives(bench, [one + two], frames)


async def a_character_is_cut_in_two(bench: FunctionBench) -> None:
    for letter in _LETTERS:
        data, before = letter.encode(), bench.text(1)
        cut = bench.random.randrange(1, len(data))
        _gives(bench, [before + letter], fragments(bench, TEXT, before.encode() + data[:cut], data[cut:]))


async def unfinished_is_not_a_message_yet(bench: FunctionBench) -> None:
    text, data = bench.text(1), bench.data()
    _gives(bench, [data], fragments(bench, BINARY, data) + fragments(bench, TEXT, text.encode(), b"")[:1])
    _gives(bench, [], [])


def messages(
    function: Callable[[list[WireFrame]], tuple[list[Message], list[WireFrame]]], *, seed: int | None = None
) -> Verdict[FunctionBench]:
    """Check a function that puts the messages together that some frames carry (lesson 02).

    Args:
        function: Takes a list of frames from one side, and gives two lists: messages, control frames.
        seed: Draws the same random inputs again.

    Raises:
        CheckError: It is no function of one argument.

    Example:
        report = await wslab.check.messages(messages)
    """
    cases = [
        a_frame_is_a_message,
        fragments_are_one_message,
        control_frames_come_in_between,
        a_character_is_cut_in_two,
        unfinished_is_not_a_message_yet,
    ]
    return judged("messages", on_function(function, "a function messages(frames)"), cases, seed)


def _gives(bench: FunctionBench, whole: list[Message], frames: list[WireFrame]) -> None:
    control = [frame for frame in frames if frame.opcode >= 8]
    facts = {"sent": listed(frames), "expected": _shown(whole, control), "section": _FRAGMENTS}
    got = bench.call(list(frames), **facts, hint=_CUT_HINT)
    if got is None:
        hint = "Return two lists: the messages, and the control frames."
        raise Finding("Your function returned nothing.", **facts, hint=hint)
    if not isinstance(got, tuple | list) or len(got) != 2 or not all(isinstance(each, list | tuple) for each in got):
        hint = "return messages, control"
        raise Finding("Your function did not return two lists.", **facts, got=value_shown(got), hint=hint)
    if list(got[0]) == whole and list(got[1]) == control:
        return
    what, hint = _wrong_messages(list(got[0]), whole, frames) or _wrong_control(list(got[1]), control)
    raise Finding(what, **facts, got=_shown(*got), hint=hint)


def _wrong_messages(got: list[Any], whole: list[Message], frames: list[WireFrame]) -> tuple[str, str] | None:
    if got == whole:
        return None
    if not all(isinstance(each, str | bytes | bytearray) for each in got):
        return (
            "A message is neither str nor bytes.",
            "One list of messages, each str or bytes; the frames are left behind.",
        )
    if _as_bytes(got) == _as_bytes(whole):
        hint = "TEXT is given as str, so decode it; BINARY stays bytes."
        if any(frame.opcode == CONT for frame in frames):
            hint = "A continuation has opcode 0, whatever it continues: remember the opcode of the first fragment."
        return "A message has the wrong type.", hint
    if any(frame.payload in each for frame in frames if frame.opcode >= 8 for each in _as_bytes(got)):
        return (
            "The payload of a control frame is in a message.",
            "Frames with opcodes from 8 up are not fragments: set them aside.",
        )
    if got[: len(whole)] == whole:
        hint = "What follows the last FIN still waits for more frames."
        return "An unfinished message was given.", hint
    if _cuts_a_character(frames):
        return "A character that was cut in two was lost.", _CUT_HINT
    if len(got) > len(whole):
        return (
            "More messages came back than were sent.",
            "A data frame without FIN is part of a message, not the whole.",
        )
    return "The messages are not those that were sent.", "Collect payloads until a data frame has FIN; then begin anew."


def _as_bytes(each_message: list[Any]) -> list[bytes]:
    return [each.encode() if isinstance(each, str) else bytes(each) for each in each_message]


def _cuts_a_character(frames: list[WireFrame]) -> bool:
    try:
        "".join(frame.payload.decode() for frame in frames)
    except UnicodeDecodeError:
        return all(frame.opcode != BINARY for frame in frames)
    return False


def _wrong_control(got: list[Any], control: list[WireFrame]) -> tuple[str, str]:
    if len(got) < len(control):
        return "A control frame is lost.", "It goes into the second list, as a frame."
    if got == [frame.payload for frame in control]:
        return (
            "The second list holds payloads.",
            "Give the frames themselves: a payload does not say what kind of frame it came in.",
        )
    return (
        "The second list does not hold the control frames.",
        "Only opcodes from 8 up are control frames; keep them in order.",
    )


def _shown(whole: Sequence[Any], control: Sequence[Any]) -> str:
    return f"{value_shown(list(whole))}\n{value_shown(list(control))}"


def listed(frames: Sequence[WireFrame]) -> str:
    """List frames, one a line, each with its index; what a legal frame of a client has is not said."""
    return "\n".join(f"[{index}] {_line(frame)}" for index, frame in enumerate(frames)) or "no frames"


def _line(frame: WireFrame) -> str:
    words = [word.upper() for word in ("rsv1", "rsv2", "rsv3") if getattr(frame, word)]
    words += ["no mask"] * (not frame.masked) + ["more follows"] * (not frame.fin)
    size_bytes = len(frame.payload)
    name = f"opcode {frame.opcode}" if frame.name.startswith("0x") else frame.name
    content = repr(frame.payload) if size_bytes < 100 else f"of {size_bytes} bytes"
    return f"{name} {content}" + (f" ({', '.join(words)})" if words else "")
