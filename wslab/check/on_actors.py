"""Own the checks of a server whose style is actors: a finding is explained by what its actors did."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator

from ..actor import Actor, Context, actors_running
from ..errors import ActorFailedError, CheckError, DeadlockError, MailboxClosedError, MailboxFullError, WslabError
from ..mailbox import Address
from .judge import Benches
from .on_server import ServerBench, on_server
from .remedies import remedy
from .report import Finding
from .subject import Served
from .waiting import where_it_waits
from .watch import error_line, error_shown

__all__ = ["OWNS", "SLOW", "SURFACES", "on_actors"]

OWNS = "lesson 06, Who owns the set?"
SURFACES = "lesson 06, Where does a disconnection surface?"
SLOW = "lesson 06, What happens under a slow reader?"
_GOES_ON = "a room that goes on with the next member"
_NAMELESS = "", "<lambda>", "actor"  # how a handler is called whose actors are made by no class
# What all connections share, and how.
_SHARED = {
    "a room": "Start the room before any client comes, and hand its address to each: `actors.handler(Chatter, room)`.",
    "an office": "Start the office before any client comes, outside the handler: `office = Office().start()`.",
}
# What it means that a message was refused, where it stands, and what to look at.
_REFUSED = {
    MailboxClosedError: (
        "A message to somebody who had left was refused, and nobody caught the error.",
        SURFACES,
        "`do_send` to an actor that has stopped raises MailboxClosedError. Tell the room in `stopped` who leaves; and "
        "let it pass over those whose leaving it has not heard of yet.",
    ),
    MailboxFullError: (
        "A mailbox was full, and nobody caught the error.",
        SLOW,
        "`do_send` raises MailboxFullError when the mailbox has no place left. A member that is too slow is let go: "
        "`member.stop()`. Whoever talks to the room may wait instead: `await room.send(...)`.",
    ),
    DeadlockError: (
        "Actors wait for each other's answers, and would wait for ever.",
        OWNS,
        "`await address.send(...)` waits until the other has handled it, and it handles nothing while it waits "
        "itself. Let one of the two use `do_send`.",
    ),
}
_TO_ACTOR = (
    "A message was sent to an actor itself, and not to its address.",
    "Others have the address of an actor: it is what `start()` gives, and in a hook `ctx.address`.",
)
_TO_CONTEXT = (
    "A message was sent to ctx, which takes none.",
    "To its client an actor sends by `ctx.text(...)`, `ctx.binary(...)`, or `ctx.websocket.send(...)`, which takes "
    "both; to itself by `ctx.address`.",
)
_WAIT = (
    "Does one of these actors wait for the other? While it waits it handles nothing. Let one of the two use `do_send`, "
    "which waits for nobody."
)


Causes = list[BaseException | None]


class _Explaining:
    """What actors do while a case runs, to explain what it finds.

    Args:
        shared: What all connections share, "a room" or "an office".
        member: The class of the actors of connections, if they are that.

    Attributes:
        failures: What their hooks raised, in order; it is told in the report, and not in red under the cell.
    """

    bench: ServerBench

    def __init__(self, shared: str, member: str) -> None:
        self._shared, self._member = shared, member
        self.failures: list[BaseException] = []
        self._before = 0

    def begin(self, bench: ServerBench) -> None:
        """Begin a case."""
        self.bench = bench
        self.failures.clear()
        self._before = actors_running()

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep what the log of the actors would have told."""
        if record.exc_info and record.exc_info[1] is not None:
            self.failures.append(record.exc_info[1])
        return False

    def explained(self, finding: Finding) -> Finding:
        """Give what lies behind a finding, or the finding."""
        errors = [*self.failures, *self.bench.subject.errors]
        causes = [error.__cause__ if isinstance(error, ActorFailedError) else error for error in errors]
        if not finding.got:
            finding.got = where_it_waits(self.bench.subject)
            finding.hint = _WAIT if finding.got.count("an actor, waiting") > 1 else finding.hint
        return (
            self._by_an_end(finding, causes)
            or _by_a_refusal(finding, causes)
            or _by_no_address(finding, causes)
            or self._by_many_rooms(finding)
            or self._by_a_failure(finding)
            or finding
        )

    def _by_an_end(self, finding: Finding, causes: Causes) -> Finding | None:
        """Tell what is shared, and has stopped, from a member that has left."""
        for cause in causes:
            if isinstance(cause, MailboxClosedError) and self._member not in (*_NAMELESS, cause.actor):
                return Finding(
                    f"{cause.actor} has stopped, and clients still come.",
                    sent=finding.sent,
                    got=_shown(cause),
                    expected=finding.expected,
                    section=OWNS,
                    hint="`stop()` ends an actor, and so does the end of its `async with` block. "
                    "What all share goes on, whoever comes or leaves.",
                )
        return None

    def _by_many_rooms(self, finding: Finding) -> Finding | None:
        begun = actors_running() - self._before
        if begun < 2 or begun != len(self.bench.subject.calls):
            return None
        return Finding(
            f"Each connection has started {self._shared} of its own.",
            sent=finding.sent,
            got=f"{begun} clients, and {begun} more actors than before",
            expected=f"one {self._shared.split()[-1]}, started once, for all of them",
            section=OWNS,
            hint=_SHARED[self._shared],
        )

    def _by_a_failure(self, finding: Finding) -> Finding | None:
        if not self.failures:
            return None
        facts = {"sent": finding.sent, "got": _shown(self.failures[0]), "expected": finding.expected, "section": OWNS}
        hint = f"{remedy(facts['got'])}That message is lost, and the actor goes on. Mend that first."
        return Finding("An actor failed on a message.", **facts, hint=hint)


def _by_no_address(finding: Finding, causes: Causes) -> Finding | None:
    for cause in causes:
        if isinstance(cause, AttributeError) and cause.name in ("send", "do_send") and _is_actor(cause.obj):
            what, hint = _TO_CONTEXT if isinstance(cause.obj, Context) else _TO_ACTOR
            facts = {"sent": finding.sent, "got": _shown(cause), "expected": finding.expected}
            return Finding(what, **facts, section=OWNS, hint=hint)
    return None


def _is_actor(found: object) -> bool:
    return isinstance(found, Actor | Context) or (isinstance(found, type) and issubclass(found, Actor))


def _by_a_refusal(finding: Finding, causes: Causes) -> Finding | None:
    for cause in causes:
        if isinstance(cause, MailboxClosedError | MailboxFullError | DeadlockError):
            what, section, hint = _REFUSED[type(cause)]
            facts = {"sent": finding.sent, "got": _shown(cause), "expected": finding.expected or _GOES_ON}
            return Finding(what, **facts, section=section, hint=hint)
    return None


def _shown(error: BaseException) -> str:
    """Name an error and the reader's line; of an error of wslab only what happened, as the finding says what to do."""
    if not isinstance(error, WslabError):
        return error_shown(error)
    line = error_line(error)
    return f"{type(error).__name__}: {error.happened}" + (f", at {line}" if line else "")


@contextlib.asynccontextmanager
async def on_actors(candidate: Served, shared: str = "a room") -> AsyncIterator[Benches[ServerBench]]:
    """Serve a handler, or find the server that is there, for a check; its actors explain what it finds.

    Args:
        candidate: A handler, anything with a url, or a URL.
        shared: What all connections share, "a room" or "an office".

    Raises:
        CheckError: It is none of these, as a class of actors or an address is none.
    """
    if isinstance(candidate, Address) or _is_actor(candidate):
        raise CheckError(candidate, "a handler", "make one from a class of actors: actors.handler(Chatter, room)")
    told = _Explaining(shared, getattr(candidate, "__name__", ""))
    log = logging.getLogger("wslab.actors")
    log.addFilter(told)
    try:
        async with on_server(candidate) as bench_for:

            @contextlib.asynccontextmanager
            async def explaining(seed: int) -> AsyncIterator[ServerBench]:
                try:
                    async with bench_for(seed) as bench:
                        told.begin(bench)
                        try:
                            yield bench
                        except Finding as finding:
                            raise told.explained(finding) from None
                except Finding as finding:  # of the end of the case, too, which sees only what calls wait for
                    finding.got = finding.got or where_it_waits(told.bench.subject)
                    raise

            yield explaining
    finally:
        log.removeFilter(told)
