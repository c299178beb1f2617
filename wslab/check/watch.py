"""Own the watch: notices a step of the loop that does not end, names the reader's line, and ends it there.

A task that blocks its loop stops everything in its thread, the check among it. So another thread looks on. When the
loop has not turned for a while, and a line of the reader's own is what it stands at, an exception is raised there by
way of the interrupt signal, which also ends a time.sleep.
"""

from __future__ import annotations

import _thread
import asyncio
import ctypes
import linecache
import signal
import site
import sys
import sysconfig
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Self

__all__ = ["BlockedLoop", "Watch", "error_line", "error_shown", "is_readers", "reader_line", "waits_at"]

TICK_S = 0.02
# Counted in ticks of a thread that gets no more of the processor than the loop does: a slow machine is no blocked loop.
PATIENCE_TICKS = 75
ENDING_TICKS = 250  # in which a library may end an object of the reader's
_CHECKS = str(Path(__file__).resolve().parent)
_OURS = str(Path(__file__).resolve().parent.parent)
# While one of these is on the stack, it is a person who takes time.
_DEBUGGERS = {"bdb", "pydevd"}
_FINALIZERS = {"__del__", "_asyncgen_finalizer_hook"}
_PATHS = sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), *site.getsitepackages()
_LIBRARIES = ("<frozen", _OURS, site.getusersitepackages(), *_PATHS)


class BlockedLoop(asyncio.CancelledError):
    """Raised in the reader's code when it does not let the loop go on. `except Exception` does not swallow it."""


class Watch:
    """Look after the running loop while a check runs; outside the main thread it ends loops, but no time.sleep.

    Attributes:
        blocked_at: The reader's line at which the loop stood still, such as "line 3: time.sleep(60)", or "".
        stood_at: The reader's line at which it stood for a moment only, or "".
    """

    def __init__(self) -> None:
        self.blocked_at = ""
        self.stood_at = ""
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        self._beats = 0
        self._fired_at = self._spared_at = -1
        self._endings_spared = 0
        self._firing = False
        self._done = threading.Event()
        self._beating: asyncio.TimerHandle | None = None
        self._looking = threading.Thread(target=self._look, name="wslab check", daemon=True)
        self._is_main = threading.current_thread() is threading.main_thread()
        self._before: Any = None

    def __enter__(self) -> Self:
        if self._is_main:
            self._before = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, self._interrupted)
        self._beat()
        self._looking.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._looking.join()  # an interrupt that came later would hit the reader's cell
        if self._beating is not None:
            self._beating.cancel()
        if self._is_main:
            signal.signal(signal.SIGINT, signal.default_int_handler if self._before is None else self._before)
        if sys.gettrace() == self._raise_at_line:
            sys.settrace(None)

    def _beat(self) -> None:
        self._beats += 1
        self._beating = self._loop.call_later(TICK_S, self._beat)

    def _look(self) -> None:
        seen, ticks = self._beats, 0
        while not self._done.wait(TICK_S):
            ticks = ticks + 1 if self._beats == seen else 0
            seen = self._beats
            line = reader_line(sys._current_frames().get(self._thread_id)) if ticks else ""
            self.stood_at = self.stood_at or line
            if line and ticks >= PATIENCE_TICKS:
                self._fire(line)

    def _fire(self, line: str) -> None:
        if self._is_main:
            self._firing = True
            _interrupt(self._thread_id)
        else:
            self.blocked_at = self.blocked_at or line
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread_id), ctypes.py_object(BlockedLoop))

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        """Raise in the reader's code; an interrupt that the reader asked for goes where it would have gone."""
        if not self._firing:
            self._pass_on(number, frame)
            return
        self._firing = False
        if (where := reader_line(frame)) and not self._spares_ending(frame):
            self.blocked_at = self.blocked_at or where
            again, self._fired_at = self._fired_at == self._beats, self._beats
            is_readers_own = frame is not None and is_readers(frame.f_code)
            if again or not is_readers_own:
                self._trace(frame)
            if is_readers_own or self._spared_at == self._beats:
                raise BlockedLoop(where)
            self._spared_at = self._beats  # once: it may be on its way back to the reader's code, or never come back

    def _spares_ending(self, frame: FrameType | None) -> bool:
        """Whether to wait for a library's end of an object; not for ever, or nothing would end it."""
        if not _finalizes(frame):
            return False
        self._endings_spared += 1
        return self._endings_spared <= ENDING_TICKS

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if callable(self._before):
            self._before(number, frame)
        elif self._before is not signal.SIG_IGN:
            raise KeyboardInterrupt

    def _trace(self, frame: FrameType | None) -> None:
        """Raise at the reader's next line as well.

        Where a library is at work, that spares the library; after a bare `except:` that caught the last one, it is in
        the block below that line, and so outside of its `try`.
        """
        if sys.gettrace() is not None:
            return
        for each in _outwards(frame):
            if each.f_code.co_filename.startswith(_CHECKS):
                break
            if is_readers(each.f_code):
                each.f_trace = self._raise_at_line
        sys.settrace(self._raise_at_line)

    def _raise_at_line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and is_readers(frame.f_code):
            raise BlockedLoop(self.blocked_at)
        return self._raise_at_line if event != "call" else None


def _interrupt(thread_id: int) -> None:
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread_id, signal.SIGINT)  # this one also wakes a time.sleep
    else:
        _thread.interrupt_main()


def is_readers(code: CodeType) -> bool:
    """Whether code is the reader's own: neither Python's, nor of an installed package, nor of wslab."""
    return not code.co_filename.startswith(_LIBRARIES)


def reader_line(frame: FrameType | None) -> str:
    """Name the line of the reader's own at which a stack stands, perhaps by way of a library, or give ""."""
    stack = list(_outwards(frame))
    if any(each.f_globals.get("__name__") in _DEBUGGERS for each in stack):
        return ""
    for each in stack:
        if each.f_code.co_filename.startswith(_CHECKS):
            return ""  # the check itself, called from the reader's cell: not the reader's fault
        if is_readers(each.f_code):
            return _line(each.f_code.co_filename, each.f_lineno)
    return ""


def _finalizes(frame: FrameType | None) -> bool:
    """Whether a library ends an object of the reader's: what is raised there is lost, and told in red."""
    for each in _outwards(frame):
        if is_readers(each.f_code):
            return False
        if each.f_code.co_name in _FINALIZERS:
            return True
    return False


def error_line(error: BaseException, *, outermost: bool = False) -> str:
    """Name the innermost line of the reader's own through which an error came, or the outermost, or give ""."""
    lines = [
        _line(frame.f_code.co_filename, number)
        for frame, number in traceback.walk_tb(error.__traceback__)
        if is_readers(frame.f_code)
    ]
    return lines[0 if outermost else -1] if lines else ""


def error_shown(error: BaseException) -> str:
    """Name an error, what it says, and the reader's line through which it came."""
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{words}, at {line}" if (line := error_line(error)) else words


def waits_at(task: asyncio.Task[Any]) -> str:
    """Say at which line of the reader's own a task waits, as words to be appended, or give ""."""
    lines: list[str] = []
    coroutine: Any = task.get_coro()
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:  # a task tells only the outermost of its frames
        lines += [_line(frame.f_code.co_filename, frame.f_lineno)] if is_readers(frame.f_code) else []
        coroutine = getattr(coroutine, "cr_await", None)
    return f", waiting at {lines[-1]}" if lines else ""


def _line(file: str, number: int) -> str:
    source = linecache.getline(file, number).strip()
    return f"line {number}: {source}" if source else f"line {number}"


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
