"""Own where actors and handlers wait: the lines of the reader's code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from websockets.asyncio.connection import Connection

from ..actor import Context
from ..actors import WebSocketContext
from ..mailbox import Mailbox
from .subject import Subject
from .watch import is_readers, waits_at

__all__ = ["where_it_waits"]

_MANY = 3


def where_it_waits(subject: Subject) -> str:
    """Say where actors wait in their hooks; if none does, where calls of the handler wait for all but their client."""
    waits = {f"an actor{waits_at(task)}" for task in _waiting() if waits_at(task)}
    waits = waits or {f"a call{waits_at(call)}" for call in subject.calls if waits_at(call) and not _listens(call)}
    return "; ".join(sorted(waits)[:_MANY])


def _waiting() -> Iterator[asyncio.Task[Any]]:
    """Find the tasks of actors that wait in a hook: those of connections for an answer, all others for anything."""
    for task in asyncio.all_tasks():
        frames = list(_frames(task))
        ctx = frames[0].f_locals.get("ctx") if frames else None
        if not isinstance(ctx, Context):
            continue
        asks = any(frame.f_code is Mailbox.ask.__code__ for frame in frames)
        if asks or not isinstance(ctx, WebSocketContext):
            yield task


def _listens(task: asyncio.Task[Any]) -> bool:
    """Whether a task waits for what its client says, by recv() or by an `async for` of the reader's own."""
    awaited: Any = task.get_coro()
    code: CodeType | None = None
    while hasattr(awaited, "cr_await"):
        code, awaited = awaited.cr_code, awaited.cr_await
        if code is Connection.recv.__code__:
            return True
    # A generator is what `async for` waits for; and a send() of websockets, which has one inside.
    return code is not None and is_readers(code) and type(awaited).__name__ == "async_generator_asend"


def _frames(task: asyncio.Task[Any]) -> Iterator[FrameType]:
    coroutine: Any = task.get_coro()
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        yield frame
        coroutine = getattr(coroutine, "cr_await", None)
