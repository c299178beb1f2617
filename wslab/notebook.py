"""Own `run`: how code that cannot `await` runs a coroutine, in a kernel's cell, a script or a test."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import signal
import sys
import threading
from collections.abc import Awaitable, Iterator
from typing import TypeVar

from .errors import CoroutineError, WslabError
from .own_loop import running_loop

__all__ = ["run"]

T = TypeVar("T")


def run(coroutine: Awaitable[T]) -> T:
    """Run a coroutine to its end and give what it returns; `await` does the same wherever it is allowed.

    In a script this is asyncio.run. Where a loop is running already, as in every cell, nest-asyncio is applied
    on the first call: it replaces asyncio's tasks in the whole process with slower ones.

    Args:
        coroutine: What calling an async function returned, or anything else that can be awaited.

    Raises:
        CoroutineError: It cannot be awaited.

    Example:
        >>> wslab.run(wslab.exchange(server, "Hello"))  # doctest: +SKIP
        ['Hello']
    """
    if not inspect.isawaitable(coroutine):
        raise CoroutineError(coroutine)
    loop = running_loop()
    if loop is None:
        # Not asyncio.run, which nest-asyncio replaces by one that leaves its loop open.
        with asyncio.Runner() as runner:
            return runner.run(_awaiting(coroutine))
    _allow_nesting(loop)
    return _run_nested(loop, coroutine)


async def _awaiting(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _allow_nesting(loop: asyncio.AbstractEventLoop) -> None:
    if sys.version_info >= (3, 14):
        import nest_asyncio2 as nesting
    else:
        import nest_asyncio as nesting
    try:
        nesting.apply(loop)
    except ValueError:
        kind = type(loop).__module__
        raise WslabError(f"a loop of {kind} cannot be nested", "a loop of asyncio's own", "use await instead") from None


def _run_nested(loop: asyncio.AbstractEventLoop, coroutine: Awaitable[T]) -> T:
    task = loop.create_task(_awaiting(coroutine))
    try:
        with _interruptible():
            return loop.run_until_complete(task)
    except BaseException:
        # Interrupted: without this the coroutine would go on behind the reader's back.
        task.cancel()
        with contextlib.suppress(BaseException):
            loop.run_until_complete(task)
        raise


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let "interrupt kernel" raise KeyboardInterrupt here; a kernel would cancel the cell, which cannot notice now."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
