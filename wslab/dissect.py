"""Own dissection: one connection's bytes, both directions, into records (RFC 9112, RFC 6455, RFC 7692)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import Enum, auto

from websockets.datastructures import Headers
from websockets.protocol import CLIENT, SERVER, Side

from .bodies import content_length, is_chunked, whole_chunks
from .errors import DecodeError, HandshakeError
from .frames import MessageRules, broken_rules, decode
from .handshake import RequestHead, ResponseHead, parse_request, parse_response
from .inflate import Budget, Inflater, inflaters
from .records import End, Record

# A head that comes in pieces is parsed with each of them up to here, then only when it may be whole or has doubled.
_SMALL_HEAD_BYTES = 1024


class _Mode(Enum):
    """What a stream's next bytes are."""

    HEAD = auto()
    LENGTH = auto()  # a body of known length
    CHUNKS = auto()  # a body in chunks (RFC 9112, 7.1)
    REST = auto()  # a body that ends with the connection
    ANSWER = auto()  # unknown until the server has answered the Upgrade
    FRAMES = auto()
    OPAQUE = auto()  # neither HTTP nor frames


class _Stream:
    """One direction: the bytes not yet dissected and what they are."""

    def __init__(self, sender: Side) -> None:
        self.sender = sender
        self.buffer = bytearray()
        self.mode = _Mode.HEAD
        self.parsed_bytes = 0  # how much of a head was there when it was last parsed in vain
        self.body_bytes = 0
        self.note = ""
        self.rules = MessageRules()
        self.inflater: Inflater | None = None

    def take(self, size_bytes: int) -> bytes:
        taken = bytes(self.buffer[:size_bytes])
        del self.buffer[:size_bytes]
        return taken

    def expect_body(self, headers: Headers, *, until_end: bool) -> None:
        """Set the mode for the body that follows a head (RFC 9112, 6.3)."""
        length = content_length(headers)
        if is_chunked(headers):
            self.mode = _Mode.CHUNKS
        elif length is not None:
            self.body_bytes = length
            self.mode = _Mode.LENGTH if length else _Mode.HEAD
        else:
            self.mode = _Mode.REST if until_end else _Mode.HEAD

    def head_may_be_whole(self) -> bool:
        """Whether to parse the head again; doing so for every byte that comes would be quadratic."""
        size_bytes, before = len(self.buffer), self.parsed_bytes
        waits = _SMALL_HEAD_BYTES < size_bytes < 2 * before
        if waits and self.buffer.find(b"\r\n\r\n", max(before - 3, 0)) < 0:
            return False
        self.parsed_bytes = size_bytes
        return True

    def give_up(self, note: str) -> None:
        self.mode = _Mode.OPAQUE
        self.note = note


class Dissector:
    """Turn what one connection carried into records, whenever more of it is looked at.

    Args:
        connection: The connection's number on the tape.
        budget: How much may be decompressed.
    """

    def __init__(self, connection: int, budget: Budget | None = None) -> None:
        self.connection = connection
        self._budget = budget or Budget()
        self._streams = {CLIENT: _Stream(CLIENT), SERVER: _Stream(SERVER)}
        self._unanswered: deque[RequestHead] = deque()
        self._steps = {
            _Mode.HEAD: self._head,
            _Mode.LENGTH: self._length,
            _Mode.CHUNKS: self._chunks,
            _Mode.REST: self._rest,
            _Mode.ANSWER: self._answer,
            _Mode.FRAMES: self._frame,
            _Mode.OPAQUE: self._rest,
        }

    def data(self, sender: Side, data: bytes, time_s: float) -> Iterator[Record]:
        """Take bytes from one side; give the records that they complete, one by one as they are asked for."""
        self._streams[sender].buffer += data
        for record in self._dissect(sender, time_s):
            yield record
            if record.kind == "response":  # it decides what the client's waiting bytes are
                yield from self._dissect(CLIENT, time_s)

    def give_up(self, note: str) -> None:
        """Take all that follows, in both directions, as bytes and no more."""
        for stream in self._streams.values():
            stream.give_up(note)

    def end(self, sender: Side, how: End, time_s: float, note: str = "") -> list[Record]:
        """Take the end of one side; give what it left unfinished, and the end itself."""
        stream = self._streams[sender]
        records = [Record(self.connection, sender, "end", time_s, end=how, note=note)]
        if stream.buffer:
            unit = "frame" if stream.mode is _Mode.FRAMES else "head or body"
            raw = stream.take(len(stream.buffer))
            left = Record(self.connection, sender, "data", time_s, raw, payload=raw, note=f"an incomplete {unit}")
            records.insert(0, left)
        return records

    def _dissect(self, sender: Side, time_s: float) -> Iterator[Record]:
        stream = self._streams[sender]
        while stream.buffer and (record := self._steps[stream.mode](stream, time_s)) is not None:
            yield record

    def _head(self, stream: _Stream, time_s: float) -> Record | None:
        if not stream.head_may_be_whole():
            return None
        try:
            head = (parse_request if stream.sender is CLIENT else parse_response)(stream.buffer)
        except HandshakeError:
            stream.give_up("not HTTP")
            return self._rest(stream, time_s)
        if head is None:
            return None
        raw = stream.take(head.size_bytes)
        stream.parsed_bytes = 0
        if isinstance(head, RequestHead):
            self._requested(head, stream)
            return Record(self.connection, stream.sender, "request", time_s, raw, head=head)
        self._responded(head, stream)
        return Record(self.connection, stream.sender, "response", time_s, raw, head=head)

    def _requested(self, head: RequestHead, stream: _Stream) -> None:
        self._unanswered.append(head)
        if head.headers.get_all("Upgrade"):
            stream.mode = _Mode.ANSWER
        else:
            stream.expect_body(head.headers, until_end=False)

    def _responded(self, head: ResponseHead, stream: _Stream) -> None:
        if head.status == 101:
            self._upgraded(head)
            return
        if head.status < 200:
            return
        request = self._unanswered.popleft() if self._unanswered else None
        client = self._streams[CLIENT]
        if request and client.mode is _Mode.ANSWER and not self._unanswered:  # this answers the Upgrade itself
            client.expect_body(request.headers, until_end=False)
        if head.status not in (204, 304) and not (request and request.method == "HEAD"):
            stream.expect_body(head.headers, until_end=True)

    def _upgraded(self, head: ResponseHead) -> None:
        websocket = "websocket" in ",".join(head.headers.get_all("Upgrade")).lower()
        extensions = inflaters(head.headers, self._budget)
        for stream in self._streams.values():
            stream.inflater = extensions.get(stream.sender)
            if websocket:
                stream.mode = _Mode.FRAMES
            else:
                stream.give_up("another protocol")

    def _answer(self, stream: _Stream, time_s: float) -> Record | None:
        return None

    def _length(self, stream: _Stream, time_s: float) -> Record:
        raw = stream.take(stream.body_bytes)
        stream.body_bytes -= len(raw)
        if not stream.body_bytes:
            stream.mode = _Mode.HEAD
        return Record(self.connection, stream.sender, "data", time_s, raw, payload=raw, note="body")

    def _chunks(self, stream: _Stream, time_s: float) -> Record | None:
        try:
            size_bytes, payload, last = whole_chunks(stream.buffer)
        except ValueError:
            stream.give_up("not a chunk (RFC 9112, 7.1)")
            return self._rest(stream, time_s)
        if not size_bytes:
            return None
        if last:
            stream.mode = _Mode.HEAD
        raw = stream.take(size_bytes)
        return Record(self.connection, stream.sender, "data", time_s, raw, payload=payload, note="body, chunked")

    def _rest(self, stream: _Stream, time_s: float) -> Record:
        raw = stream.take(len(stream.buffer))
        return Record(self.connection, stream.sender, "data", time_s, raw, payload=raw, note=stream.note or "body")

    def _frame(self, stream: _Stream, time_s: float) -> Record | None:
        try:
            decoded = decode(stream.buffer, strict=False)
        except DecodeError as error:
            stream.give_up(f"no frame: {error.rule} ({error.section})")
            return self._rest(stream, time_s)
        if decoded is None:
            return None
        frame, size_bytes = decoded
        broken = broken_rules(frame, stream.sender, compressed=stream.inflater is not None)
        if rule := stream.rules.broken_by(frame):
            broken.append(rule)
        compressed, payload, note = False, frame.payload, ""
        if stream.inflater is not None:
            compressed, payload, note = stream.inflater.inflate(frame)
        return Record(
            self.connection,
            stream.sender,
            "frame",
            time_s,
            stream.take(size_bytes),
            frame=frame,
            payload=payload,
            compressed=compressed,
            broken=tuple(broken),
            note=note,
        )
