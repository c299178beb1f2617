"""Own the explaining: frames, heads and bytes in, words out, each with its section of the RFC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from websockets.frames import Opcode
from websockets.protocol import Side

from .bitgrid import grid
from .errors import HandshakeError, WslabError
from .explanation import Explanation, Line
from .frame_words import FrameWords
from .frames import TEXT_UTF8, Rule, WireFrame, encode
from .handshake import RequestHead, ResponseHead, parse_request, parse_response, shown_target
from .head_words import head_lines, head_title
from .layout import Layout, broken_by, lay_out
from .redaction import quoted, visible

__all__ = ["Explanation", "explain"]

# The first byte of a frame can be a letter only if RSV1 is set and FIN is not; three capitals and a space are a method.
_HEAD_START = re.compile(rb"[A-Z]{3,16}( |$)|HTTP/|HTTP?$|HT$")


@runtime_checkable
class RecordLike(Protocol):
    """What explaining a record of a tape needs of it."""

    @property
    def kind(self) -> str: ...
    @property
    def sender(self) -> Side: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def head(self) -> RequestHead | ResponseHead | None: ...
    @property
    def frame(self) -> WireFrame | None: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def compressed(self) -> bool: ...
    @property
    def broken(self) -> Sequence[Rule]: ...
    @property
    def end(self) -> str | None: ...
    @property
    def note(self) -> str: ...


def explain(thing: object, *, reveal: bool | None = None) -> Explanation:
    """Explain a frame bit by bit, or a head line by line, in words and with the sections of the RFC.

    Args:
        thing: A WireFrame, a RequestHead, a ResponseHead, a record of a tape, or bytes that start with a frame or
            a head, whole or not.
        reveal: Whether to show masking-keys, secrets and random values. Left out: only in bytes, as whoever has
            them sees them anyway.

    Returns:
        The explanation: HTML in a notebook, and `.text`.

    Raises:
        WslabError: The thing is none of these.

    Example:
        >>> print(explain(bytes.fromhex("810548656c6c6f")).title)
        TEXT frame: 7 bytes, 2 of them before the payload (RFC 6455, 5.2)
    """
    if isinstance(thing, bytes | bytearray | memoryview):
        return _explain_bytes(bytes(thing), reveal is not False)
    if isinstance(thing, WireFrame):
        return _explain_frame(encode(thing), bool(reveal))
    if isinstance(thing, RequestHead | ResponseHead):
        return _explain_head(thing, bool(reveal))
    if isinstance(thing, RecordLike):
        return _explain_record(thing, bool(reveal))
    remedy = ""
    if isinstance(thing, str):
        remedy = "make bytes of hex digits with bytes.fromhex()"
    elif isinstance(thing, Sequence):
        remedy = "explain one of its items"
    expected = "a frame, a head, a record of a tape, or bytes"
    raise WslabError(f"a {type(thing).__name__} cannot be explained", expected, remedy)


def _explain_bytes(data: bytes, reveal: bool) -> Explanation:
    if not data:
        return Explanation("No bytes", [Line("not here yet", "at least 2 bytes, the shortest frame (RFC 6455, 5.2)")])
    if not _HEAD_START.match(data):
        return _explain_frame(data, reveal)
    parse = parse_response if data.startswith(b"HT") else parse_request
    try:
        head = parse(data)
        return _explain_head(head, reveal) if head else _explain_partial_head(data, reveal)
    except HandshakeError as error:
        wrong = Line("this head", "cannot be parsed", (f"{error.happened}; expected: {error.expected}",))
        return Explanation("Not HTTP (RFC 9112)", [wrong])


def _explain_partial_head(data: bytes, reveal: bool) -> Explanation:
    lines, _, rest = data.rpartition(b"\r\n")
    parse = parse_response if data.startswith(b"HT") else parse_request
    head = parse(lines + b"\r\n\r\n") if lines else None
    begun = Line(visible(shown_target(rest.decode("latin-1"), reveal=reveal)), "the first line begins (RFC 9112, 2.1)")
    explained = head_lines(head, reveal=reveal, whole=False) if head else [begun]
    missing = Line("not here yet", "the rest of the head, up to the blank line that ends it (RFC 9112, 2.1)")
    return Explanation("The beginning of an HTTP head", [*explained, missing], layout="below")


def _explain_head(head: RequestHead | ResponseHead, reveal: bool, sender: str = "") -> Explanation:
    return Explanation(head_title(head, sender), list(head_lines(head, reveal=reveal)), layout="below")


def _explain_frame(data: bytes, reveal: bool) -> Explanation:
    layout = lay_out(data)
    return _frame(FrameWords(layout, [*broken_by(layout), *_broken_text(layout)], reveal))


def _broken_text(layout: Layout) -> list[Rule]:
    """Judge the text of a frame that is a whole message, and not compressed."""
    if layout.opcode != Opcode.TEXT or not layout.data[0] & 128 or layout.data[0] & 64 or layout.missing_bytes:
        return []
    try:
        layout.payload.decode()
    except UnicodeDecodeError:
        return [TEXT_UTF8]
    return []


def _frame(words: FrameWords, sender: str = "") -> Explanation:
    rows = grid(words.layout, reveal=words.reveal, illegal=words.illegal_fields())
    return Explanation(words.title(sender), list(words.lines()), rows)


_ENDS = {
    "eof": Line("FIN", "the sender has nothing more to say; the other direction may go on (RFC 9293, 3.6)"),
    "reset": Line("RST", "the connection is gone at once, and what was under way with it (RFC 9293, 3.5.3)"),
    "error": Line("error", "the connection failed in another way"),
    "fault": Line("cut", "neither endpoint ended the connection here: a fault on the tap between them did"),
}


def _explain_rest(record: RecordLike, sender: str, reveal: bool) -> Explanation:
    if record.end is None:
        size = f"{len(record.raw)} byte{'' if len(record.raw) == 1 else 's'}"
        line = Line(quoted(record.payload, reveal=reveal), record.note or "no frame, no head")
        return Explanation(f"{size} from the {sender}", [line])
    lines = [_ENDS[record.end], *([Line("note", record.note)] if record.note else [])]
    return Explanation(f"The end of what the {sender} sends: no frame, but TCP", lines)


def _explain_record(record: RecordLike, reveal: bool) -> Explanation:
    sender = record.sender.name.lower()
    if record.head is not None:
        return _explain_head(record.head, reveal, sender)
    if record.frame is None:
        return _explain_rest(record, sender, reveal)
    words = FrameWords(lay_out(record.raw), record.broken, reveal, record.compressed, record.payload)
    return _frame(words, sender)
