"""Own the cursor: where in a stream a client is, and whether what comes is what comes next."""

from __future__ import annotations

from .errors import FeedError
from .feed_format import Gap, Granted, Message, Wanted

__all__ = ["Cursor"]


class Cursor:
    """A client's place in the stream of a feed. Nothing gets past it twice, out of order, or with a hole before it.

    Attributes:
        stream: The name of the stream, None as long as no server has told it.
        last_id: The id of the last message or gap that passed, None before the first answer of a server.
    """

    def __init__(self, stream: str | None = None, last_id: int | None = None) -> None:
        self.stream = stream
        self.last_id = last_id

    def wanted(self) -> Wanted:
        """Give what to ask a server for."""
        return Wanted(self.stream, self.last_id)

    def start(self, granted: Granted) -> Gap | None:
        """Take a server's answer; give what it cannot bring any more.

        Raises:
            FeedError: The answer does not fit what was asked, so that messages would be missing or come twice.
        """
        gap = self._gap_before(granted)
        self.stream, self.last_id = granted.stream, granted.after
        return gap

    def advance(self, item: Message | Gap) -> Message | Gap | None:
        """Take the next item of the stream; give what of it is new, None if nothing is.

        Raises:
            FeedError: Something is missing before it, as when a hub drops messages of a slow reader.
        """
        last_id = self.last_id or 0
        first, last = (item.id, item.id) if isinstance(item, Message) else item
        if last is None or first > last_id + 1:
            raise FeedError(f"the ids jump from {last_id} to {first}", f"{last_id + 1}")
        if last <= last_id:
            return None
        self.last_id = last
        return item if isinstance(item, Message) else Gap(last_id + 1, last)

    def _gap_before(self, granted: Granted) -> Gap | None:
        if self.last_id is None:
            return None
        missing = self.last_id + 1
        gap = granted.gap
        if gap is None:
            fits = self.stream in (None, granted.stream) and granted.after == self.last_id
        elif gap.last is None:
            fits = granted.after == 0
        else:
            fits = self.stream in (None, granted.stream) and gap.first <= missing <= gap.last == granted.after
        if not fits:
            raise FeedError(f"{granted} does not answer {self.wanted()}", "the ids that follow, or the gap before them")
        return gap and Gap(missing, gap.last)
