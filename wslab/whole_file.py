"""Own files that are written whole or not at all, and read in bounded memory."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

__all__ = ["FOR_EVERYBODY", "FOR_THE_USER", "file_error_words", "free_name", "is_leftover", "read_whole", "write_whole"]

FOR_THE_USER = 0o600
FOR_EVERYBODY = 0o666  # less what the user's umask takes away
MOST_KEPT = 5


def write_whole(path: Path, data: bytes, mode: int) -> None:
    """Put data into a file so that whoever reads it, even after a crash, sees all of the old or all of the new.

    Args:
        path: The file, in a folder that exists.
        data: All that it is to hold.
        mode: Its permissions, before the umask.

    Raises:
        OSError: It cannot be written; it is as it was.
    """
    temporary = path.with_name(f"{path.stem}.{secrets.token_hex(8)}.tmp")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with open(os.open(temporary, flags, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # or a loss of power could leave the new name with nothing in it
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def is_leftover(name: str, path: Path) -> bool:
    """Whether a file of this name is what a crash left of writing path."""
    return name.startswith(f"{path.stem}.") and name.endswith(".tmp")


def read_whole(path: Path, most_bytes: int) -> bytes | None:
    """Give all that a file holds, or None if that is more than most_bytes.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(most_bytes + 1)
    return data if len(data) <= most_bytes else None


def free_name(path: Path, word: str) -> Path:
    """Give a name beside a file under which to keep it, such as ledger.corrupt-1.json; the last of five is reused."""
    names = [path.with_name(f"{path.stem}.{word}-{number}{path.suffix}") for number in range(1, MOST_KEPT + 1)]
    return next((name for name in names if not name.exists()), names[-1])


def file_error_words(error: OSError) -> str:
    """Say what is wrong with a file, without its path."""
    return (error.strerror or type(error).__name__).lower()
