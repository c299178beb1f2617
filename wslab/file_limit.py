"""Own the limit on open files: each socket is one, and a crowd and its server need thousands in one process."""

from __future__ import annotations

import contextlib
import errno
import os
import sys

from .errors import FileLimitError

if sys.platform != "win32":  # Windows has no such limit
    import resource

__all__ = ["make_room"]

# What else may want to open a file meanwhile: a log, a plot, a second window on the kernel.
RESERVE_FILES = 32


def make_room(files: int, at_least: int | None = None) -> None:
    """Let this process open more files: raise its soft limit as far as needed, if the hard one allows it.

    The limit is never lowered, and it stays raised. It is not raised further than needed, because what waits with
    select() cannot take a file whose number is 1024 or more.

    Args:
        files: How many more files it would be good to have.
        at_least: How many more there must be; left out, all of them.

    Raises:
        FileLimitError: Not even `at_least` more can be opened.
    """
    soft, hard = _limits()
    taken = _open_files(soft) + RESERVE_FILES
    needed = taken + (files if at_least is None else at_least)
    for wanted in (taken + files, needed):  # the system may refuse the one and allow the other
        soft = _raise_soft(soft, min(wanted, hard))
    if soft < needed:
        raise FileLimitError(needed, soft, soft if hard >= needed else hard)  # if hard is enough, raising was refused


def _limits() -> tuple[int, int]:
    """Give the soft and the hard limit; what is not limited has the largest number there is."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        return _number(soft), _number(hard)
    return sys.maxsize, sys.maxsize


def _open_files(soft: int) -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError as error:  # there may be no such list
        return soft if error.errno == errno.EMFILE else 0


def _raise_soft(soft: int, wanted: int) -> int:
    """Raise the soft limit, and give what it is then: macOS has one more limit, below a hard one that is none."""
    if sys.platform != "win32" and wanted > soft:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            return wanted
    return soft


def _number(limit: int) -> int:
    return sys.maxsize if limit < 0 or limit > sys.maxsize else limit
