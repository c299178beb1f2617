"""Own the wire format of a feed: what its server and its clients say to each other, as JSON in text messages.

    from    when              message
    client  first, once       {"stream": null, "after": null}       what comes from now on
                              {"stream": null, "after": 0}          all that is kept, then what comes
                              {"stream": "7f3a…", "after": 17}      what comes after 17 of this stream
    server  first, once       {"stream": "7f3a…", "after": 17}      so it will be: 18 comes next
                              {"stream": "7f3a…", "after": 30, "gap": [18, 30]}    18 to 30 are not kept any more
                              {"stream": "c09b…", "after": 0, "gap": [18, null]}   another stream, as after a restart:
                                                                    what the old one had after 17 is lost
    server  from then on      {"id": 18, "data": …}                 the next message; data is any JSON
                              {"gap": [19, 25]}                     19 to 25 were dropped before they could be sent

Ids count from 1 in steps of 1, to 2**53 - 1 at most. A stream is the life of one feed; its name is any text. A client
that meets an id other than the next, or a gap that starts later, has missed something unannounced: it connects again
and asks. Keys beside these are ignored, and so are objects that have neither an id nor a gap: an application may send
its own.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, TypeGuard

from .errors import FeedError

__all__ = ["Gap", "Granted", "Message", "Wanted", "encode_data", "encode_gap", "encode_granted", "encode_message"]
__all__ += ["encode_wanted", "parse_granted", "parse_item", "parse_wanted"]

MOST_ID = 2**53 - 1
"""The largest id: as far as JavaScript counts exactly, and all that keeps numbers as doubles."""

MOST_SHOWN = 60
"""How many characters of a wrong message an error quotes."""

_JSON = "dict, list, str, int, finite float, bool or None"
_FIRST = '{"stream": null, "after": null} or {"stream": "…", "after": 17} in a text message'
_ANSWER = '{"stream": "…", "after": 17} in a text message, as a feed answers'
_ITEM = '{"id": 18, "data": …} or {"gap": [19, 25]} in a text message'


class Message(NamedTuple):
    """One message of a feed.

    Attributes:
        id: Its number in its stream, from 1.
        data: What was published, as JSON brings it.
    """

    id: int
    data: Any


class Gap(NamedTuple):
    """Messages that were published, that the client has not got, and that nobody keeps any more.

    Attributes:
        first: The id of the first one.
        last: The id of the last one; None if a new stream has begun, so that nobody knows.
    """

    first: int
    last: int | None


class Wanted(NamedTuple):
    """What a client asks for: the ids after one of a stream; None for any stream, and for what comes from now on."""

    stream: str | None
    after: int | None


class Granted(NamedTuple):
    """What the server will give: the ids after one of its stream, and what it cannot give any more."""

    stream: str
    after: int
    gap: Gap | None = None


def encode_data(data: object) -> str:
    """Encode what is published, as the JSON that every language reads: without NaN and Infinity."""
    try:
        return json.dumps(data, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise FeedError(f"what is published is not JSON: {error}", _JSON) from error


def encode_message(number: int, encoded_data: str) -> str:
    """Put a number on encoded data."""
    return f'{{"id":{number},"data":{encoded_data}}}'


def encode_gap(gap: Gap) -> str:
    """Encode a gap that opens while a client catches up."""
    return json.dumps({"gap": gap})


def encode_wanted(wanted: Wanted) -> str:
    """Encode a client's first message."""
    return json.dumps(wanted._asdict())


def encode_granted(granted: Granted) -> str:
    """Encode the server's answer."""
    return json.dumps({name: value for name, value in granted._asdict().items() if value is not None})


def parse_wanted(message: str | bytes) -> Wanted:
    """Parse a client's first message.

    Raises:
        FeedError: It is none.
    """
    given = _object(message, _FIRST)
    stream, after = given.get("stream"), given.get("after")
    if not isinstance(stream, str | None) or not (after is None or _is_number(after, 0)):
        raise _wrong(message, _FIRST)
    return Wanted(stream, after)


def parse_granted(message: str | bytes) -> Granted:
    """Parse the server's answer.

    Raises:
        FeedError: It is none; the server is no feed.
    """
    given = _object(message, _ANSWER)
    stream, after = given.get("stream"), given.get("after")
    if not isinstance(stream, str) or not _is_number(after, 0):
        raise _wrong(message, _ANSWER)
    gap = _gap(given.get("gap"))
    if "gap" in given and gap is None:
        raise _wrong(message, _ANSWER)
    return Granted(stream, after, gap)


def parse_item(message: str | bytes) -> Message | Gap | None:
    """Parse what the server sends after its answer; None for an object that is not the feed's.

    Raises:
        FeedError: No feed sends this.
    """
    given = _object(message, _ITEM)
    if "id" in given and "data" in given and _is_number(given["id"], 1):
        return Message(given["id"], given["data"])
    gap = _gap(given.get("gap"))
    if gap is not None and gap.last is not None:
        return gap
    if "id" in given or "gap" in given:
        raise _wrong(message, _ITEM)
    return None


def _object(message: str | bytes, expected: str) -> dict[str, Any]:
    try:
        given = json.loads(message) if isinstance(message, str) else None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise _wrong(message, expected)
    return given


def _gap(given: object) -> Gap | None:
    if not isinstance(given, list) or len(given) != 2 or not _is_number(given[0], 1):
        return None
    first, last = given
    return Gap(first, last) if last is None or _is_number(last, first) else None


def _is_number(given: object, least: int) -> TypeGuard[int]:
    return isinstance(given, int) and not isinstance(given, bool) and least <= given <= MOST_ID


def _wrong(message: str | bytes, expected: str) -> FeedError:
    shown = repr(message[:MOST_SHOWN]) + ("…" if len(message) > MOST_SHOWN else "")
    return FeedError(f"{shown} does not belong to a feed", expected)
