"""What a test that opens connections must not leave behind: a task, a socket, an entry of wslab's registry."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from wslab import registry

PATIENCE_S = 5
FREEZE, UNFREEZE = gc.freeze, gc.unfreeze


def open_files() -> set[str]:
    """List the open files and sockets of this process, where the system can tell."""
    return set(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else set()


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    before = open_files()
    gc.freeze()  # what was there before need not be searched again after each test
    with pytest.MonkeyPatch.context() as patch:
        # A check freezes what is there and unfreezes all: then each collection would search the whole process. So what
        # the test has left by then is collected instead, and warns before the check notes warnings.
        patch.setattr(gc, "freeze", gc.collect)
        patch.setattr(gc, "unfreeze", lambda: None)
        yield
        gc.collect()  # a forgotten socket warns now, and a warning is an error
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):  # what was closed at the very end of the test ends in the next rounds
            # No event tells of all of these.
            while asyncio.all_tasks() != {asyncio.current_task()} or len(open_files()) > len(before):  # noqa: ASYNC110
                await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert registry._entries == []
    assert len(open_files()) <= len(before)


@pytest.fixture
def a_check_freezes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let checks freeze and unfreeze as they do elsewhere, for a test that depends on it."""
    monkeypatch.setattr(gc, "freeze", FREEZE)
    monkeypatch.setattr(gc, "unfreeze", UNFREEZE)
