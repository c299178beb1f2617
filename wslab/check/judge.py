"""Own the verdict: runs the cases of a check in order, within bounds, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import secrets
import threading
import traceback
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Generic, TypeVar

from websockets.asyncio.server import ServerConnection

from .. import ledger
from ..actor import at_rest
from ..errors import CheckError
from .bench import Bench
from .quiet import quiet_tasks
from .report import Finding, Report
from .watch import BlockedLoop, Watch, waits_at

__all__ = ["Benches", "Verdict", "judged"]

# All cases together; what comes on top, a reply that is waited for and the closing, has bounds of its own.
LIMIT_S = 6.0
LEAK_S = 0.5
END_TRIES = 2  # an `except` may swallow the first cancellation
_SEEDS = 2**32
# Whose tasks can be left behind by a check. A kernel has tasks of its own, which come and go.
_KERNELS = {"IPython", "ipykernel", "ipywidgets", "jupyter_client", "tornado", "zmq"}
# Signals and warnings belong to the whole process, and a task that is left behind does not say to which check.
_one_at_a_time = threading.Lock()
TURN_S = 0.01

B = TypeVar("B", bound=Bench)
Benches = Callable[[int], AbstractAsyncContextManager[B]]


def judged(
    exercise: str,
    arena: AbstractAsyncContextManager[Benches[B]],
    cases: Sequence[Callable[[B], Awaitable[None]]],
    seed: int | None,
) -> Verdict[B]:
    """Make the verdict of a check, which is worked out when it is awaited.

    Args:
        exercise: The name of the check.
        arena: What makes a bench for each case: on_server, on_function or on_client.
        cases: Each gets a bench and raises a Finding if something is wrong. Their names are what the report says.
        seed: What draws the random inputs; drawn itself if None.

    Raises:
        CheckError: The seed is no number from 0 to 2^32 - 1.
    """
    if seed is not None and (not isinstance(seed, int) or seed not in range(_SEEDS)):
        wanted = "a seed that is a whole number from 0 to 4294967295, or none"
        raise CheckError(seed, wanted, "leave out seed=, or take the number that a report names")
    return Verdict(exercise, arena, cases, secrets.randbelow(_SEEDS) if seed is None else seed)


class Verdict(Generic[B]):
    """A check that is about to run: await it for its `Report`."""

    def __init__(
        self,
        exercise: str,
        arena: AbstractAsyncContextManager[Benches[B]],
        cases: Sequence[Callable[[B], Awaitable[None]]],
        seed: int,
    ) -> None:
        self._exercise, self._arena, self._cases, self._seed = exercise, arena, cases, seed
        self._passed, self._bench = 0, Bench(seed)

    def __await__(self) -> Generator[Any, None, Report]:
        return self._judge().__await__()

    def __repr__(self) -> str:
        return f"<wslab check {self._exercise}, not run: write await in front of it>"

    async def _judge(self) -> Report:
        async with _turn():
            before = asyncio.all_tasks()
            with quiet_tasks(before), _noted_coroutines() as forgotten, Watch() as watch:
                try:
                    finding = await self._first_finding(watch)
                except asyncio.CancelledError:  # the cell was interrupted
                    await _leak(before)
                    raise
                leak = await _leak(before)
                if finding is not None:
                    self._bench.forget()
                    _let_go(finding)
        finding = _blocked(watch, finding) or _forgotten(finding, forgotten) or finding or leak
        if finding is not None:  # its frames hold the handler, and a notebook keeps each report that it has shown
            finding.__traceback__ = finding.__cause__ = finding.__context__ = None
        ledger.record_check(self._exercise, finding is None)
        names = tuple(case.__name__.strip("_").replace("_", " ") for case in self._cases)
        bench = self._bench
        if finding is None:
            return Report(self._exercise, names, self._passed, self._seed, bench.drawn)
        wire = bench.records, bench.left_out
        return Report(self._exercise, names, self._passed, self._seed, bench.drawn, finding, *wire)

    async def _first_finding(self, watch: Watch) -> Finding | None:
        limit = asyncio.timeout(LIMIT_S)
        try:
            async with self._arena as bench_for, limit:
                for case in self._cases:
                    async with bench_for(self._seed) as self._bench:
                        self._bench.watch = watch
                        await case(self._bench)
                    if watch.blocked_at:
                        break
                    self._passed += 1
        except Finding as finding:
            return finding
        except BlockedLoop as blocked:
            return Finding(str(blocked))
        except TimeoutError:
            if not limit.expired():
                raise  # nobody answers at a URL, which is an error of its own
            return Finding(
                f"The check was not finished after {LIMIT_S:g} s.",
                expected="a quick answer to each message",
                hint="Something waits again and again, or sends without end. Look at the last frames.",
            )
        return None


@contextlib.asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    """Let one check after the other run, in whatever cell, loop or thread."""
    while not _one_at_a_time.acquire(blocking=False):  # noqa: ASYNC110  a lock of asyncio knows one loop only
        await asyncio.sleep(TURN_S)
    try:
        yield
    finally:
        _one_at_a_time.release()


def _blocked(watch: Watch, finding: Finding | None) -> Finding | None:
    """Explain a finding by code that stood still, unless the finding says so itself."""
    if not watch.blocked_at or (finding is not None and isinstance(finding.__cause__, BlockedLoop)):
        return None
    return Finding(
        "Your code stood still, and everything in the notebook with it.",
        got=watch.blocked_at,
        expected="a line that ends soon, or an await that lends the thread",
        section="lesson 03, What stops everybody?",
        hint="`await asyncio.sleep(...)` instead of time.sleep, `await asyncio.to_thread(...)` around slow calls, "
        "and a loop that comes to its end. A send() that need not wait lends nothing: sleep between two.",
    )


def _forgotten(finding: Finding | None, forgotten: list[str]) -> Finding | None:
    """Explain a finding by a coroutine that nobody awaited, if there was one."""
    if finding is None or not forgotten:
        return None
    return Finding(
        "An await is missing.",
        sent=finding.sent,
        got=f"{forgotten[0]}; {finding.happened}",
        expected=finding.expected,
        section="lesson 03, Why does await work in a cell?",
        hint="Calling a coroutine function only makes a coroutine. Write `await` in front of the call; "
        "or give it to `asyncio.create_task(...)`, if it should run beside what follows.",
    )


def _let_go(finding: Finding) -> None:
    """Let what the frames of a finding hold be forgotten: Python tells of a missing await only then."""
    error: BaseException | None = finding
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
    gc.collect()


@contextlib.contextmanager
def _noted_coroutines() -> Iterator[list[str]]:
    """Note which coroutines were never awaited; other warnings go on as they would have."""
    forgotten: list[str] = []
    gc.freeze()  # what other cells have left in a cycle is not collected here, nor told as the fault of this one
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always", RuntimeWarning)
        try:
            yield forgotten
        finally:
            gc.unfreeze()
        words = [str(each.message).partition("\n")[0] for each in noted]
        forgotten += [each for each in words if each.endswith("was never awaited")]
    for each in noted:
        if "was never awaited" not in str(each.message):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


async def _leak(before: set[asyncio.Task[Any]]) -> Finding | None:
    """Find the tasks that the check has left behind, and end them."""
    left = {task for task in asyncio.all_tasks() - before if not _is_others(task)}
    if left:
        _, left = await asyncio.wait(left, timeout=LEAK_S)
    if not left:
        return None
    names, count = sorted({f"{_name(task)}{waits_at(task)}" for task in left}), len(left)
    for _ in range(END_TRIES):
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=LEAK_S) if left else (left, left)
    return Finding(
        f"{'A task was' if count == 1 else f'{count} tasks were'} left behind.",
        got="; ".join(names[:3]),
        expected="no task that outlives the connection or the function that made it",
        section="lesson 05, Is the guest list right again?",
        hint="Cancel it in `finally`, and await its end; or let an `async with asyncio.TaskGroup()` see to it.",
    )


def _name(task: asyncio.Task[Any]) -> str:
    return str(getattr(task.get_coro(), "__qualname__", "a task")).rpartition("<locals>.")[2]


def _is_others(task: asyncio.Task[Any]) -> bool:
    """Whether a task is the kernel's, or serves a client of another server; the check's own server has ended.

    An actor whose address somebody has is nobody's leak either: it keeps what is shared, and ends when it is forgotten.
    """
    if at_rest(task):
        return True
    frame = getattr(task.get_coro(), "cr_frame", None)
    if frame is None:
        return False
    parts = set(Path(frame.f_code.co_filename).parts)
    serves = any(isinstance(frame.f_locals.get(name), ServerConnection) for name in ("self", "connection"))
    return bool(_KERNELS & parts) or (serves and "websockets" in parts)
