"""Own the computed questions: what a reader's own tape can be asked, with the answer that this tape gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from websockets.frames import Opcode
from websockets.protocol import CLIENT

from ..close_words import close_code_words
from ..records import Records
from .kinds import Asked, Computed, Near, Number, Option, Single

__all__ = ["FUNCTIONS", "compute"]


def compute(question: Computed, tape: Records) -> Asked | None:
    """Make a question of a tape, or None where this tape cannot answer it."""
    return FUNCTIONS[question.computed](question, tape.frames())


def framing_bytes(question: Computed, frames: Records) -> Asked | None:
    """Ask how many bytes of the frames were not payload."""
    each = [record.frame for record in frames if record.frame]
    framing = sum(frame.header_bytes for frame in each)
    keys = sum(4 for frame in each if frame.masked)
    payload = sum(len(frame.payload) for frame in each)
    return _number(
        question,
        f"On your tape stand {_count(len(each))}. How many of their bytes are framing, not payload?",
        framing,
        f"The frames take {framing + payload} bytes, and {payload} of them are payload.",
        {
            payload: "That is the payload alone; the question is about the rest.",
            framing + payload: "That is all the bytes of the frames, the payload among them.",
            framing - keys: "The masking-keys are missing: 4 bytes in each frame from the client (5.3).",
        },
        "Add up the headers: 2 bytes each, 4 more for a masking-key, 2 or 8 more for a longer length (5.2).",
    )


def largest_frame(question: Computed, frames: Records) -> Asked | None:
    """Ask how many bytes the largest frame took on the wire."""
    largest = max((record.frame for record in frames if record.frame), key=lambda frame: frame.size_bytes, default=None)
    if largest is None:
        return None
    size, payload = largest.size_bytes, len(largest.payload)
    return _number(
        question,
        f"On your tape stand {_count(len(frames))}. How many bytes did the largest take on the wire, header included?",
        size,
        f"It is a {largest.name} frame: {largest.header_bytes} bytes of header and {payload} of payload.",
        {payload: "That is its payload alone; its header crossed the wire too."},
        "Look at the column of bytes in the table of your tape, at the frames only.",
    )


def masked_frames(question: Computed, frames: Records) -> Asked | None:
    """Ask how many frames were masked."""
    masked = sum(record.frame is not None and record.frame.masked for record in frames)
    return _number(
        question,
        f"On your tape stand {_count(len(frames))}. How many of them were masked?",
        masked,
        f"The client sent {masked} of them, and a client masks every frame (5.1).",
        {
            len(frames) - masked: "Those came from the server, which masks none (5.1).",
            len(frames): "That is all of them; only one of the two sides masks (5.1).",
        },
        "Count the frames from the client: it masks every one, the control frames among them (5.1).",
    )


def close_sender(question: Computed, frames: Records) -> Asked | None:
    """Ask who sent the close frame first, on the first connection that has one."""
    closes = frames.frames(Opcode.CLOSE)
    if not closes:
        return None
    by_client, connection = closes[0].sender is CLIENT, closes[0].connection
    first, other = ("client", "server") if by_client else ("server", "client")
    late = f"The {other}'s close frame, if there is one, answers that of the {first}."
    return Single(
        **_shared(question),
        text=f"On connection {connection} of your tape, who sent the first close frame?",
        option=(
            Option("The client", f"Yes: the {first} began." if by_client else late, by_client),
            Option("The server", late if by_client else f"Yes: the {first} began.", not by_client),
            Option("Nobody", f"There is one on the tape: the {first} sent it."),
        ),
    )


def close_code(question: Computed, frames: Records) -> Asked | None:
    """Ask which status code stood in the first close frame."""
    closes = [record for record in frames.frames(Opcode.CLOSE) if record.frame and record.frame.close]
    if not closes or len(closes[0].payload) < 2:
        return None
    code = int.from_bytes(closes[0].payload[:2])
    return _number(
        question,
        f"Which status code stood in the first close frame on connection {closes[0].connection} of your tape?",
        code,
        f"{close_code_words(code)}.",
        {
            1005: "No frame carries 1005: an endpoint reports it when a close frame held no code (7.4.1).",
            1006: "No frame carries 1006: an endpoint reports it when no close frame came (7.4.1).",
        },
        "The first two bytes of a close frame's payload are the code; the table of your tape shows it (5.5.1).",
    )


def _number(
    question: Computed, text: str, answer: int, right: str, near: dict[int, str], otherwise: str
) -> Number | None:
    """Make a question for a number, with those wrong numbers that differ from the answer; 0 answers nothing."""
    nears = tuple(Near(value, feedback) for value, feedback in near.items() if value != answer)
    if not answer:
        return None
    return Number(**_shared(question), text=text, answer=answer, right_feedback=right, otherwise=otherwise, near=nears)


def _shared(question: Computed) -> dict[str, Any]:
    return {"id": question.id, "source": question.source, "read": question.read}


def _count(number: int) -> str:
    return f"{number} frame{'' if number == 1 else 's'}"


FUNCTIONS: dict[str, Callable[[Computed, Records], Asked | None]] = {
    function.__name__: function for function in (framing_bytes, largest_frame, masked_frames, close_sender, close_code)
}
