from __future__ import annotations

import io
import sys
import threading

import pytest

from wslab import progress_bar as module
from wslab.progress_bar import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def left_over(self) -> str:
        """Give what a terminal shows in the end: what is written after a return stands over what was there."""
        line = ""
        for written in self.getvalue().split("\r"):
            line = written + line[len(written) :]
        return line.strip()


def fail_at_the_second_step() -> None:
    with progress_bar(3, "client") as advance:
        advance()
        raise ZeroDivisionError


def draw(output: io.StringIO, monkeypatch: pytest.MonkeyPatch, *, shown: bool = True) -> str:
    monkeypatch.setattr(sys, "stderr", output)
    with progress_bar(3, "client", shown=shown) as advance:
        for _ in range(3):
            advance()
    return output.getvalue()


@pytest.mark.lab
def test_a_terminal_shows_the_bar_and_is_clean_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, threads = Terminal(), threading.enumerate()
    drawn = draw(terminal, monkeypatch)
    assert "0/3" in drawn and "client/s" in drawn and terminal.left_over() == ""
    assert threading.enumerate() == threads


@pytest.mark.lab
def test_a_terminal_is_clean_when_the_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(ZeroDivisionError):
        fail_at_the_second_step()
    assert "0/3" in terminal.getvalue() and terminal.left_over() == ""


def test_nothing_is_shown_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    assert draw(io.StringIO(), monkeypatch) == ""


def test_nothing_is_shown_to_who_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert draw(Terminal(), monkeypatch, shown=False) == ""


def test_nothing_is_shown_without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert draw(Terminal(), monkeypatch) == ""


def test_a_process_without_stderr_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with progress_bar(1, "client") as advance:
        advance()
