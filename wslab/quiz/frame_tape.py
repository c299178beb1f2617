"""Own the tape of an illegal-frame question: frames written in hex, shown in words and judged by RFC 6455."""

from __future__ import annotations

from typing import NamedTuple

from websockets.frames import Opcode
from websockets.protocol import CLIENT, SERVER, Side

from ..errors import WslabError
from ..frames import MessageRules, Rule, WireFrame, broken_rules, decode
from ..table import Table

__all__ = ["SentFrame", "illegal_frames", "parse_frame", "tape_text"]

_HEX_BYTES = 12
AFTER_CLOSE = Rule("after a close frame its sender sends nothing more", "5.5.1")


class SentFrame(NamedTuple):
    """A frame and who sent it."""

    sender: Side
    frame: WireFrame
    wire: bytes


def parse_frame(line: str) -> SentFrame:
    """Parse a line such as "client 8185…": who sent the frame, then its bytes in hex.

    Raises:
        WslabError: It is not that, or not exactly one frame.
    """
    who, _, digits = line.strip().partition(" ")
    sides = {"client": CLIENT, "server": SERVER}
    if who not in sides:
        raise WslabError(f"the frame is from {who!r}", "client or server, a space and the frame in hex")
    try:
        wire = bytes.fromhex(digits)
    except ValueError:
        raise WslabError(f"{digits!r} is not hex", "two digits for each byte") from None
    decoded = decode(wire, strict=False)
    if decoded is None or decoded[1] != len(wire):
        many = "fewer" if decoded is None else "more"
        raise WslabError(f"{many} bytes than one frame has", "exactly one frame a line, all of it")
    return SentFrame(sides[who], decoded[0], wire)


def illegal_frames(frames: list[SentFrame]) -> dict[int, list[Rule]]:
    """Give the numbers, from 1, of the frames that break a rule, each with the rules that it breaks."""
    messages = {CLIENT: MessageRules(), SERVER: MessageRules()}
    closed: set[Side] = set()
    found = {}
    for number, (sender, frame, _) in enumerate(frames, 1):
        rules = broken_rules(frame, sender)
        if broken := messages[sender].broken_by(frame):
            rules.append(broken)
        if sender in closed:
            rules.append(AFTER_CLOSE)
        if frame.opcode == Opcode.CLOSE:
            closed.add(sender)
        if rules:
            found[number] = rules
    return found


def tape_text(lines: tuple[str, ...]) -> str:
    """Show the frames as a numbered table in plain text."""
    frames = [parse_frame(line) for line in lines]
    rows = [[n, sent.sender.name.lower(), _words(sent.frame), _hex(sent.wire)] for n, sent in enumerate(frames, 1)]
    return repr(Table(["frame", "from", "decoded", "bytes"], rows))


def _words(frame: WireFrame) -> str:
    words = repr(frame).removeprefix("WireFrame(").removesuffix(")").replace(", ", " ", 1)
    if frame.opcode != Opcode.CLOSE or len(frame.payload) < 2:
        return words
    code, reason = int.from_bytes(frame.payload[:2]), frame.payload[2:]
    return words.replace(repr(frame.payload), f"{code} {reason!r}" if reason else str(code), 1)


def _hex(wire: bytes) -> str:
    return wire[:_HEX_BYTES].hex(" ") + (f" … {len(wire)} bytes" if len(wire) > _HEX_BYTES else "")
