"""Own the quiet of a check: a task of the reader's that failed is told in the report, not in red above it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Iterator
from typing import Any

__all__ = ["quiet_tasks"]


@contextlib.contextmanager
def quiet_tasks(before: set[asyncio.Task[Any]]) -> Iterator[None]:
    """Keep asyncio from logging tasks that fail unseen, but for those that were there before.

    asyncio logs them when they are forgotten, so what a cycle still holds is forgotten at the end.
    """
    loop = asyncio.get_running_loop()
    outer = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "never retrieved" in context["message"] and context.get("future") not in before:
            return
        if outer is None:
            loop.default_exception_handler(context)
        else:
            outer(loop, context)

    loop.set_exception_handler(handle)
    try:
        yield
    finally:
        gc.collect(1)
        loop.set_exception_handler(outer)
