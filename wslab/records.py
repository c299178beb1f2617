"""Own the record: one thing that crossed the wire, and selections of them that can be filtered and shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, overload

from websockets.frames import Opcode
from websockets.protocol import CLIENT, Side

from .diagram import Arrow, Diagram
from .frames import Rule, WireFrame
from .handshake import RequestHead, ResponseHead, shown_target
from .redaction import quoted, visible
from .table import Table

Kind = Literal["request", "response", "frame", "data", "end"]
End = Literal["eof", "reset", "error", "fault"]

_HEX_BYTES = 16


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that crossed the wire.

    Attributes:
        connection: The connection's number on the tape, from 1.
        sender: Who sent it.
        kind: A "request" or "response" head, a "frame", "data" (an HTTP body, or bytes that are neither HTTP
            nor a frame), or the "end" of what the sender had to say.
        time_s: When its last byte passed, in seconds since the tape began.
        raw: Its bytes as they stood on the wire.
        head: The head of a request or response.
        frame: The frame.
        payload: A frame's payload, unmasked and decompressed; or a body without its chunked framing.
        compressed: Whether permessage-deflate had compressed the payload (RFC 7692).
        broken: The rules of RFC 6455 that the frame breaks.
        end: How the sender stopped: "eof" (TCP FIN), "reset" (TCP RST), "error", or "fault" if it did not: a fault
            of the tap ended the connection, and the note names it.
        note: What else has to be said.
    """

    connection: int
    sender: Side
    kind: Kind
    time_s: float
    raw: bytes = b""
    head: RequestHead | ResponseHead | None = None
    frame: WireFrame | None = None
    payload: bytes = b""
    compressed: bool = False
    broken: tuple[Rule, ...] = ()
    end: End | None = None
    note: str = ""

    @property
    def size_bytes(self) -> int:
        """Bytes on the wire."""
        return len(self.raw)

    @property
    def opcode(self) -> Opcode | int | None:
        """The frame's opcode, or None if this is no frame."""
        return self.frame.opcode if self.frame else None

    @property
    def text(self) -> str:
        """The payload as text; bytes that are not UTF-8 become U+FFFD."""
        return self.payload.decode(errors="replace")

    @property
    def what(self) -> str:
        """What this is, in a word or two."""
        if self.frame:
            return self.frame.name + ("" if self.frame.fin else " (more follows)")
        if self.kind == "end":
            return {"eof": "FIN", "reset": "RST", "error": "error", "fault": "cut"}[self.end or "eof"]
        return self.kind

    def content(self, *, reveal: bool = False, brief: bool = False) -> str:
        """Say what it carries, in one line.

        Args:
            reveal: Whether to show secrets in targets.
            brief: Whether a broken rule is named by its section alone.
        """
        return visible("; ".join(part for part in (self._carried(reveal), *self._remarks(brief)) if part))

    def _carried(self, reveal: bool) -> str:
        if isinstance(self.head, RequestHead):
            target = shown_target(self.head.target, reveal=reveal)
            upgrade = self.head.headers.get_all("Upgrade")
            return f"{self.head.method} {target}" + (f", Upgrade: {', '.join(upgrade)}" if upgrade else "")
        if isinstance(self.head, ResponseHead):
            return f"{self.head.status} {self.head.reason}".rstrip()
        if self.frame and self.frame.close:
            return str(self.frame.close)
        if not self.payload:
            return ""
        # A head that was cut short, or is not quite one, is data, but holds secrets all the same.
        return quoted(
            self.payload,
            binary=self.opcode == Opcode.BINARY,
            reveal=reveal or self.kind != "data",
            most_bytes=_HEX_BYTES,
        )

    def _remarks(self, brief: bool) -> list[str]:
        illegal = [f"illegal ({r.section})" if brief else f"illegal: {r.text} ({r.section})" for r in self.broken]
        return [*(["compressed"] if self.compressed else []), *illegal, self.note]

    def __repr__(self) -> str:
        return f"<{self.sender.name.lower()} {self.what}, {self.size_bytes} bytes: {self.content()}>".replace(
            ": >", ">"
        )

    def _repr_html_(self) -> str:
        return Records([self])._repr_html_()


class Records(Sequence[Record]):
    """Records in the order in which they crossed the wire.

    Filters give Records again, so they can be chained: `tape.frames(sender=CLIENT).where(connection=2)`.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._records = tuple(records)

    def _all(self) -> Sequence[Record]:
        return self._records

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Record]:
        return iter(self._all())

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Records: ...
    def __getitem__(self, index: int | slice) -> Record | Records:
        found = self._all()[index]
        return found if isinstance(found, Record) else Records(found)

    def where(
        self,
        *,
        kind: Kind | None = None,
        sender: Side | None = None,
        connection: int | None = None,
        opcode: Opcode | int | None = None,
    ) -> Records:
        """Select the records for which all that is given holds."""
        wanted = {"kind": kind, "sender": sender, "connection": connection, "opcode": opcode}
        given = {name: value for name, value in wanted.items() if value is not None}
        return Records(r for r in self if all(getattr(r, name) == value for name, value in given.items()))

    def frames(
        self, opcode: Opcode | int | None = None, *, sender: Side | None = None, connection: int | None = None
    ) -> Records:
        """Select frames.

        Example:
            >>> tape.frames(opcode=TEXT, sender=CLIENT)  # doctest: +SKIP
        """
        return self.where(kind="frame", opcode=opcode, sender=sender, connection=connection)

    def requests(self) -> Records:
        """Select the heads of HTTP requests, opening handshakes among them."""
        return self.where(kind="request")

    def responses(self) -> Records:
        """Select the heads of HTTP responses, opening handshakes among them."""
        return self.where(kind="response")

    def bytes_from(self, sender: Side) -> int:
        """Count the bytes that one side put on the wire in these records."""
        return sum(record.size_bytes for record in self if record.sender is sender)

    def table(self, *, reveal: bool = False, times: bool = False) -> Table:
        """Show the records as a table.

        Args:
            reveal: Whether to show secrets in targets.
            times: Whether to add when each record passed, in ms since the tape began.
        """
        several = len({record.connection for record in self}) > 1
        headings = [*(["connection"] if several else []), "from", "what", "bytes", "content"]
        rows = [
            [
                *([record.connection] if several else []),
                *(record.sender.name.lower(), record.what, record.size_bytes, record.content(reveal=reveal)),
                *([f"{record.time_s * 1000:.1f}"] if times else []),
            ]
            for record in self
        ]
        return Table([*headings, "at ms"] if times else headings, rows, footnote=self._footnote())

    def diagram(self, *, title: str = "", reveal: bool = False) -> Diagram:
        """Draw the records as a sequence diagram, time running down."""
        several = len({record.connection for record in self}) > 1
        arrows = []
        for record in self:
            client = f"client {record.connection}" if several else "client"
            ends = (client, "server") if record.sender is CLIENT else ("server", client)
            label = record.what if record.kind in ("frame", "end") else ""
            content = record.content(reveal=reveal, brief=True)
            arrows.append(Arrow(*ends, f"{label} {content}".strip(), record.kind, bool(record.broken)))
        return Diagram(arrows, title, self._footnote())

    def mermaid(self) -> str:
        """Give the sequence diagram as Mermaid source."""
        return self.diagram().mermaid()

    def _footnote(self) -> str:
        return ""

    def __repr__(self) -> str:
        return repr(self.table()) if len(self) else f"no records{self._footnote() and '; ' + self._footnote()}"

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()
