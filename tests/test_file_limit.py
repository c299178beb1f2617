"""The limit is this process's own, so each test sets one in a process that is born for it."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

from wslab import file_limit
from wslab.errors import FileLimitError, WslabError
from wslab.file_limit import make_room

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")

SETUP = """
import os, resource
from wslab.errors import FileLimitError
from wslab.file_limit import RESERVE_FILES, make_room
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
taken = len(os.listdir("/dev/fd")) + RESERVE_FILES
limits = lambda: resource.getrlimit(resource.RLIMIT_NOFILE)
"""


def run_with_limits(soft: int, hard: int, code: str) -> str:
    setup = SETUP.format(soft=soft, hard=hard)
    done = subprocess.run([sys.executable, "-c", setup + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("soft", "code", "raised_by"),
    [
        (256, "make_room(500)", "500"),
        (256, "make_room(500, at_least=100)", "500"),
        (256, "make_room(256 - taken)", "256 - taken"),
        (256, "make_room(257 - taken)", "257 - taken"),
        (256, "make_room(5000, at_least=600)", "1024 - taken"),
        (256, "make_room(1024 - taken)", "1024 - taken"),
        (1024, "make_room(500)", "1024 - taken"),
        (1024, "make_room(0)", "1024 - taken"),
    ],
    ids=[
        "as far as needed",
        "as far as good",
        "just enough already",
        "one too few",
        "as far as the hard limit allows",
        "just up to the hard limit",
        "never lowered",
        "nothing asked for",
    ],
)
def test_the_soft_limit_is_raised(soft: int, code: str, raised_by: str) -> None:
    shown = run_with_limits(soft, 1024, f"{code}; print(limits() == (taken + {raised_by}, 1024), limits(), taken)")
    assert shown.startswith("True"), shown


@pytest.mark.parametrize(
    ("code", "needed"),
    [("make_room(1025 - taken)", "1025"), ("make_room(5000, at_least=3000)", "taken + 3000")],
    ids=["all of them", "at least"],
)
def test_what_the_hard_limit_does_not_allow_is_refused_with_the_figures(code: str, needed: str) -> None:
    catch = f"try:\n    {code}\nexcept FileLimitError as error:\n"
    facts = f"    print(error.needed == {needed}, error.soft, error.hard, error.errno)"
    assert run_with_limits(256, 1024, catch + facts) == f"True 1024 1024 {errno.EMFILE}"


def test_a_process_whose_files_are_used_up_is_refused() -> None:
    hog = "hogged = []\nfor _ in range(64):\n    try:\n        hogged.append(os.open(os.devnull, os.O_RDONLY))\n"
    catch = "    except OSError:\n        break\ntry:\n    make_room(0)\nexcept FileLimitError as error:\n"
    assert run_with_limits(64, 64, hog + catch + "    print(error.soft, error.needed > 64)") == "64 True"


def test_the_error_says_what_is_needed_and_what_to_do() -> None:
    error = FileLimitError(4138, 1024, 2048)
    assert str(error) == (
        "4138 open files and sockets are needed, and the system allows this process 1024. "
        "Expected: a hard limit of at least 4138 (it is 2048). "
        "To do: use fewer connections, or raise it where Jupyter is started: ulimit -Hn 4138 (as root)."
    )
    assert isinstance(error, WslabError) and isinstance(error, OSError)


def test_a_limit_that_is_none_is_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = file_limit.resource.RLIM_INFINITY
    monkeypatch.setattr(file_limit.resource, "getrlimit", lambda which: (unlimited, unlimited))
    monkeypatch.setattr(file_limit.resource, "setrlimit", lambda which, limits: pytest.fail(f"set to {limits}"))
    make_room(10**9)


def test_a_system_that_refuses_below_an_unlimited_hard_limit_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """As macOS does above kern.maxfilesperproc."""

    def refuse(which: int, limits: tuple[int, int]) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(file_limit.resource, "getrlimit", lambda which: (256, file_limit.resource.RLIM_INFINITY))
    monkeypatch.setattr(file_limit.resource, "setrlimit", refuse)
    with pytest.raises(FileLimitError, match=r"allows this process 256\..*\(it is 256\)"):
        make_room(10**6)


def test_a_refusal_is_not_blamed_on_a_hard_limit_that_is_just_high_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(which: int, limits: tuple[int, int]) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(file_limit, "_open_files", lambda soft: 0)
    monkeypatch.setattr(file_limit.resource, "getrlimit", lambda which: (256, 1000 + file_limit.RESERVE_FILES))
    monkeypatch.setattr(file_limit.resource, "setrlimit", refuse)
    with pytest.raises(FileLimitError, match=r"\(it is 256\)"):
        make_room(1000)


def test_where_the_system_refuses_what_would_be_good_what_is_needed_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """As macOS does between the two, above kern.maxfilesperproc."""
    soft = 256

    def refuse_above_10240(which: int, limits: tuple[int, int]) -> None:
        nonlocal soft
        if limits[0] > 10240:
            raise ValueError("current limit exceeds maximum limit")
        soft = limits[0]

    monkeypatch.setattr(file_limit, "_open_files", lambda soft: 0)
    monkeypatch.setattr(file_limit.resource, "getrlimit", lambda which: (soft, file_limit.resource.RLIM_INFINITY))
    monkeypatch.setattr(file_limit.resource, "setrlimit", refuse_above_10240)
    make_room(16_000, at_least=8_000)
    assert soft == 8_000 + file_limit.RESERVE_FILES
