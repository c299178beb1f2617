"""Own the exception tree: every error holds its facts and says what happened, what was expected and what to do."""

from __future__ import annotations

import errno
import http
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .redaction import shown_url

if TYPE_CHECKING:
    from .frames import WireFrame

SHOWN_CLIENTS = 5
ANSWERS = {status.value for status in http.HTTPStatus if status >= http.HTTPStatus.OK}


class WslabError(Exception):
    """Base of everything that wslab raises on purpose.

    Attributes:
        happened: What happened, one clause.
        expected: What was expected instead, or "".
        remedy: What the reader can do now, or "".
    """

    def __init__(self, happened: str, expected: str = "", remedy: str = "") -> None:
        super().__init__(happened)  # one argument only: OSError, base of some of these, takes the first of two as errno
        self.happened = happened
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.happened]
        if self.expected:
            parts.append(f"Expected: {self.expected}")
        if self.remedy:
            parts.append(f"To do: {self.remedy}")
        return ". ".join(parts) + "."


class DecodeError(WslabError, ValueError):
    """Bytes that no WebSocket frame may have, or a frame that breaks a rule.

    Attributes:
        rule: The rule that was broken, in words.
        section: The section of RFC 6455 that states it, such as "5.2".
        offset: Where the offending frame starts in the stream, in bytes.
        frames: The frames that the same call decoded before it.
    """

    frames: tuple[WireFrame, ...] = ()

    def __init__(self, rule: str, section: str, offset: int = 0) -> None:
        super().__init__(f"the frame at byte {offset} breaks a rule", f"{rule} (RFC 6455, {section})")
        self.rule = rule
        self.section = section
        self.offset = offset


class HandshakeError(WslabError, ValueError):
    """A head that is not HTTP, or an opening handshake that breaks a rule."""


class UrlError(WslabError, ValueError):
    """A URL that cannot be used here; shown without its secrets."""

    def __init__(self, url: object, happened: str, expected: str = "ws://host:port/path or wss://host/path") -> None:
        shown = shown_url(url) if isinstance(url, str) else url
        super().__init__(f"{shown!r} {happened}", expected, "correct the URL, or pass the running server itself")
        self.url = url


class UnreachableError(WslabError, ConnectionError):
    """Nobody answers at a host and port."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"no connection to {url}: {reason}",
            "a server that listens there",
            "run the cell that starts the server, then this one again",
        )
        self.url = url
        self.reason = reason


class NotWebSocketError(WslabError, ConnectionError):
    """The server answered the opening handshake, but not with 101.

    Attributes:
        url: Where the handshake went.
        status: The HTTP status of the answer, or None if the answer was not HTTP.
    """

    def __init__(self, url: str, status: int | None, reason: str = "") -> None:
        answer = f"HTTP {status} {reason}".rstrip() if status is not None else (reason or "no HTTP at all")
        super().__init__(
            f"{url} answered the opening handshake with {answer}",
            "HTTP 101 Switching Protocols (RFC 6455, 4.2.2)",
            "start the server behind it: what answers here is a relay that cannot reach it"
            if status == 502
            else "check the path and that this server speaks WebSocket",
        )
        self.url = url
        self.status = status


class HandlerError(WslabError, TypeError):
    """A handler that cannot handle a connection."""

    def __init__(self, handler: object, happened: str) -> None:
        name = getattr(handler, "__name__", type(handler).__name__)
        super().__init__(
            f"the handler {name} {happened}",
            "async def handler(websocket)",
            "write it as a coroutine function that takes the connection as its only argument",
        )
        self.handler = handler


class PortInUseError(WslabError, OSError):
    """A port that somebody else holds."""

    def __init__(self, port: int, owner: str = "another program") -> None:
        super().__init__(
            f"port {port} is in use by {owner}",
            "a free port",
            "leave out port= to get any free one, or stop that program",
        )
        self.port = port
        self.errno = errno.EADDRINUSE


class NotLoopbackError(WslabError, ValueError):
    """An address that other machines could reach."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host!r} can be reached from other machines",
            "127.0.0.1, ::1 or localhost",
            "leave out host=; for a server that others can reach, use websockets.serve",
        )
        self.host = host


class AnswerTimeoutError(WslabError, TimeoutError):
    """The other side did not answer in time."""

    def __init__(self, waiting_for: str, timeout_s: float) -> None:
        super().__init__(
            f"no {waiting_for} within {timeout_s:g} s",
            "an answer in time",
            "look at the tape to see what was sent, or wait longer with timeout_s=",
        )
        self.timeout_s = timeout_s


class CoroutineError(WslabError, TypeError):
    """Something that cannot be awaited where a coroutine is needed."""

    def __init__(self, given: object) -> None:
        super().__init__(
            f"{type(given).__name__} is not a coroutine",
            "the result of calling an async function",
            "call the function, as in wslab.run(main())",
        )


class FileLimitError(WslabError, OSError):
    """More open files, of which each socket is one, than the system allows this process.

    Attributes:
        needed: How many open files are needed.
        soft: How many the process may have now.
        hard: Up to how many it may raise that by itself.
    """

    def __init__(self, needed: int, soft: int, hard: int) -> None:
        super().__init__(
            f"{needed} open files and sockets are needed, and the system allows this process {soft}",
            f"a hard limit of at least {needed} (it is {hard})",
            f"use fewer connections, or raise it where Jupyter is started: ulimit -Hn {needed} (as root)",
        )
        self.needed = needed
        self.soft = soft
        self.hard = hard
        self.errno = errno.EMFILE


class CrowdError(WslabError, ConnectionError):
    """A crowd of which one client did not connect, so that none is left; its cause says why.

    Attributes:
        number: Which client it was, from 1.
        connected: How many had connected by then.
        count: How many clients there should have been.
    """

    def __init__(self, number: int, connected: int, count: int, cause: WslabError) -> None:
        super().__init__(
            f"client {number} of {count} did not connect, {connected} others had: {cause.happened}",
            cause.expected,
            cause.remedy,
        )
        self.number = number
        self.connected = connected
        self.count = count


class NotHeardError(WslabError, TimeoutError):
    """Some clients of a crowd did not receive as many messages as was waited for.

    Attributes:
        received: How many messages each of them has received, by the client's number.
        timeout_s: How long was waited, in seconds; None if they were closed before.
    """

    def __init__(self, count: int, received: dict[int, int], timeout_s: float | None) -> None:
        who = f"{len(received)} client{'' if len(received) == 1 else 's'}"
        when = "before the connection was closed" if timeout_s is None else f"within {timeout_s:g} s"
        shown = [f"client {number}: {messages}" for number, messages in received.items()]
        more = [f"{len(shown) - SHOWN_CLIENTS} more"] if len(shown) > SHOWN_CLIENTS else []
        super().__init__(
            f"{who} received fewer than {count} messages {when} ({', '.join(shown[:SHOWN_CLIENTS] + more)})",
            "as many at each client that is neither paused nor left out",
            "show crowd.report(); leave clients out with except_=, or wait longer with timeout_s=",
        )
        self.received = received
        self.timeout_s = timeout_s


class ChannelClosed(WslabError):  # noqa: N818  tokio's name for it, as the next two
    """Nothing more goes through a channel, or comes out of this receiver.

    Attributes:
        closed: What was closed: "channel" or "receiver".
    """

    def __init__(self, closed: str) -> None:
        super().__init__(
            f"the {closed} is closed",
            "an open one, or a receiver with values that are still kept for it",
            "stop here, as `async for value in receiver` does by itself, or begin again with a new channel or receiver",
        )
        self.closed = closed


class ChannelEmpty(WslabError):  # noqa: N818
    """A receiver has received all that was sent so far."""

    def __init__(self) -> None:
        super().__init__(
            "no value is there yet",
            "one that was sent and not yet received",
            "wait for the next with await receiver.recv()",
        )


class Lagged(WslabError):  # noqa: N818
    """A receiver fell behind, and what it missed was overwritten.

    Attributes:
        count: How many values it missed.
    """

    def __init__(self, count: int) -> None:
        super().__init__(
            f"the receiver lagged behind and missed {count} of the values",
            "a receiver that is never more than the channel's capacity behind",
            "receive again to go on at the oldest value kept, or give the channel a larger capacity",
        )
        self.count = count


class NoReceiversError(WslabError):
    """A value was sent to nobody.

    Attributes:
        value: The value, which nobody will see.
    """

    def __init__(self, value: object) -> None:
        super().__init__(
            "the value was sent to nobody",
            "at least one receiver",
            "call channel.subscribe() before channel.send(), or catch this error where nobody has to listen",
        )
        self.value = value


class UnknownRoomError(WslabError, LookupError):
    """A room of a hub in which there is nobody.

    Attributes:
        room: The room that was asked for.
        rooms: The rooms that there are.
    """

    def __init__(self, room: object, rooms: tuple[str, ...]) -> None:
        shown = [repr(name) for name in rooms[:10]] + ([f"{len(rooms) - 10} more"] if len(rooms) > 10 else [])
        super().__init__(
            f"nobody is in the room {room!r}, and an empty room does not exist",
            f"one of the rooms that there are: {', '.join(shown)}" if rooms else "a room that somebody has entered",
            "enter it first with member.enter(room), or look at hub.rooms",
        )
        self.room = room
        self.rooms = rooms


class MessageTypeError(WslabError, TypeError):
    """Something that is no message: neither text nor bytes."""

    def __init__(self, message: object) -> None:
        raw = isinstance(message, bytearray | memoryview)
        super().__init__(
            f"a message cannot be of type {type(message).__name__}",
            "a str, which goes as text, or bytes, which go as binary (RFC 6455, 5.6)",
            "send bytes(message)" if raw else "send json.dumps(message), or str(message)",
        )
        self.message = message


class FeedError(WslabError, ValueError):
    """A message that no feed sends or takes, or an id that is not the next one."""


class NotConnectedError(WslabError, ConnectionError):
    """A resuming client that has no connection at the moment."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"there is no connection to {url} at the moment",
            "to send while connected: only what a feed numbers is resumed, not what its clients send",
            "take the next item of the client, which connects again, then send",
        )
        self.url = url


class FaultError(WslabError, ValueError):
    """A fault that cannot be, or cannot be brought about like this."""


class CheckError(WslabError, TypeError):
    """Something that a check cannot check."""

    def __init__(self, given: object, wanted: str, remedy: str = "") -> None:
        name = getattr(given, "__name__", None)
        what = f"{name} ({type(given).__name__})" if name else f"a value of type {type(given).__name__}"
        otherwise = "define it with just these arguments" if name else "pass the thing itself, without calling it"
        super().__init__(f"the check was given {what}", wanted, remedy or otherwise)
        self.given = given


class QuestionError(WslabError, ValueError):
    """A question file with a mistake in it.

    Attributes:
        file: The file's name.
        line: The line, from 1, on which what is wrong stands, or should.
        question: The id of the question, or "" if it has none or the mistake is not in a question.
    """

    def __init__(self, file: str, line: int, question: str, happened: str, expected: str = "") -> None:
        where = f"{file}, line {line}" + (f", question {question!r}" if question else "")
        super().__init__(f"{where}: {happened}", expected, "correct that line")
        self.file = file
        self.line = line
        self.question = question


class QuizError(WslabError, ValueError):
    """A quiz that cannot be put together as it was asked for."""


class AnswerError(WslabError, ValueError):
    """An answer that a quiz cannot take. No try is lost by it."""


class LedgerError(WslabError):
    """The ledger of what a reader has done cannot be used as it is."""


class ProgressError(WslabError, ValueError):
    """An export of progress, or a folder of exports, that cannot be written or read."""


class OriginalError(WslabError):
    """A server of `originals` that does not exist, did not start or did not end."""


class NotBuiltError(OriginalError):
    """A server of `originals` that is not built here.

    Attributes:
        name: Its name.
    """

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the original {name} is not built here",
            "a checkout of the project in which `make peers` has run",
            "install cargo and npm and run `make peers`, or look at its recording",
        )
        self.name = name


class MailboxFullError(WslabError):
    """A message that nobody waits for, to an actor that has too many of them.

    Attributes:
        actor: The class of the actor.
        capacity: How many messages its mailbox takes.
    """

    def __init__(self, actor: str, capacity: int) -> None:
        super().__init__(
            f"the mailbox of {actor} is full",
            f"fewer than {capacity} messages waiting in it",
            "wait with await address.send(message), drop the message, or stop an actor that is too slow",
        )
        self.actor = actor
        self.capacity = capacity


class MailboxClosedError(WslabError):
    """A message to an actor that has stopped; it was not handled to its end.

    Attributes:
        actor: The class of the actor.
    """

    def __init__(self, actor: str) -> None:
        super().__init__(f"{actor} has stopped and takes no message", "an actor that runs", "forget its address")
        self.actor = actor


class ActorFailedError(WslabError):
    """A message whose handling raised an error: the cause of this one.

    Attributes:
        actor: The class of the actor.
        message: The message, which is lost.
    """

    def __init__(self, actor: str, message: object, cause: Exception | None = None) -> None:
        super().__init__(
            f"{actor} failed on a message of type {type(message).__name__}",
            "an answer",
            "look at the error that caused this one",
        )
        self.actor = actor
        self.message = message
        self.__cause__ = cause


class DeadlockError(WslabError):
    """An actor that would wait for ever: the answer that it waits for can come only after its own.

    Attributes:
        actors: The classes of the actors, each waiting for the next; the last is the first.
    """

    def __init__(self, actors: Sequence[str]) -> None:
        first, second, *others = actors
        further = "".join(f", which waits for {other}" for other in others)
        super().__init__(
            f"{first} waits for {second}{further}" if others else f"{first} waits for its own answer",
            "an actor that is free to answer",
            "leave the message with address.do_send(message), which waits for nothing",
        )
        self.actors = tuple(actors)


class HookCancelledError(WslabError):
    """A hook that has ended because something else was cancelled, not the actor.

    Attributes:
        actor: The class of the actor.
    """

    def __init__(self, actor: str) -> None:
        super().__init__(
            f"something that a hook of {actor} waited for was cancelled",
            "a result or an error",
            "catch asyncio.CancelledError in the hook where it awaits a task that others may cancel",
        )
        self.actor = actor


class UnhandledMessageError(WslabError, TypeError):
    """A message to an actor that handles none.

    Attributes:
        actor: The class of the actor.
        message: The message.
    """

    def __init__(self, actor: str, message: object) -> None:
        super().__init__(
            f"{actor} does not handle messages of type {type(message).__name__}",
            "async def handle(self, message, ctx) in its class",
            "write it, or send the message to another address",
        )
        self.actor = actor
        self.message = message


class Rejection(WslabError):  # noqa: N818  Warp's name for it
    """A request that a filter does not let through, and the answer that it gets unless another filter does.

    Attributes:
        status: The HTTP status.
        reason: Why, one line; it is sent.
        headers: Headers of the answer.

    Raises:
        WslabError: There is no such status, or it is no answer.
    """

    def __init__(self, status: int, reason: str, headers: Mapping[str, str] | None = None) -> None:
        if status not in ANSWERS:
            raise WslabError(
                f"a request cannot be answered with {status!r}",
                "an HTTP status from 200 on, such as 403",
                "keep the codes of close frames, such as 4001, for connections that are open",
            )
        super().__init__(f"the request is answered with {status}: {reason}", "one that passes every filter of a route")
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})
