"""Own which event loop runs on this thread: asyncio loses a call from another one, or hangs, and does not say so."""

from __future__ import annotations

import asyncio

from .errors import WslabError

__all__ = ["check_loop", "running_loop"]


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Give the loop that runs on this thread, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def check_loop(
    loop: asyncio.AbstractEventLoop | None, call: str, error: type[WslabError] = WslabError, awaited: bool = False
) -> None:
    """Refuse a call while its event loop runs elsewhere.

    Args:
        loop: The one to which the call belongs; None if it does not have one yet.
        call: What was called, as the reader would write it, such as "tap.add".
        error: What to raise.
        awaited: Whether the call is one of a coroutine function.

    Raises:
        WslabError: Another thread runs the loop.
    """
    if loop is None or loop is running_loop() or not loop.is_running():
        return
    happened = f"{call} was called on a different thread from the one that its event loop runs on"
    there = f"loop.call_soon_threadsafe({call}, ...)"
    if awaited:
        there = f"asyncio.run_coroutine_threadsafe({call}(...), loop)"
    raise error(happened, "a call on that loop", there)
