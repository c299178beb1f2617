from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from wslab.cells import CellRun, in_kernel, kernel_shell, running_cell


class Shell:
    """What the module asks of a kernel's shell."""

    kernel = object()

    def __init__(self) -> None:
        self.request: dict[str, Any] = {}

    def get_parent(self) -> dict[str, Any]:
        return self.request

    def runs(self, run: str, code: str = "1", cell_id: str | None = None, kind: str = "execute_request") -> None:
        self.request = {
            "header": {"msg_id": run, "msg_type": kind},
            "metadata": {"cellId": cell_id} if cell_id else {},
            "content": {"code": code},
        }


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = Shell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr("wslab.cells._numbers", {})
    return shell


def cell() -> CellRun:
    run = running_cell()
    assert run is not None
    return run


def test_running_a_cell_again_replaces_its_earlier_run(shell: Shell) -> None:
    shell.runs("run 1", cell_id="A")
    first = cell()
    shell.runs("run 2", cell_id="A", code="edited")
    assert cell().replaces(first) and not first.replaces(cell())


def test_one_run_of_a_cell_does_not_replace_itself(shell: Shell) -> None:
    shell.runs("run 1", cell_id="A")
    assert cell() == cell() and not cell().replaces(cell())


def test_another_cell_replaces_nothing_even_with_the_same_code(shell: Shell) -> None:
    shell.runs("run 1", cell_id="A")
    first = cell()
    shell.runs("run 2", cell_id="B")
    assert not cell().replaces(first)


def test_where_the_front_end_names_no_cell_the_code_does(shell: Shell) -> None:
    shell.runs("run 1", code="await serve(echo)")
    first = cell()
    shell.runs("run 2", code="await serve(chat)")
    assert not cell().replaces(first)
    shell.runs("run 3", code="await serve(echo)")
    assert cell().replaces(first)


def test_a_widgets_callback_is_a_run_of_no_cell(shell: Shell) -> None:
    shell.runs("click 1", kind="comm_msg")
    first = cell()
    shell.runs("click 2", kind="comm_msg")
    assert first.cell is None and not cell().replaces(first)
    assert first.number < cell().number


def test_a_run_that_comes_back_keeps_its_number(shell: Shell) -> None:
    shell.runs("run 1", cell_id="A")
    first = cell()
    shell.runs("run 2", cell_id="A")
    second = cell()
    shell.runs("run 1", cell_id="A")
    assert cell() == first and not cell().replaces(second)


def test_a_kernel_that_runs_no_cell_yet_has_no_run(shell: Shell) -> None:
    assert in_kernel() and kernel_shell() is shell
    assert running_cell() is None


@pytest.mark.parametrize(
    "module",
    [None, SimpleNamespace(), SimpleNamespace(get_ipython=lambda: None), SimpleNamespace(get_ipython=lambda: object())],
    ids=["not imported", "half imported", "no shell", "a terminal's shell"],
)
def test_outside_a_kernel_there_is_no_cell(monkeypatch: pytest.MonkeyPatch, module: object) -> None:
    monkeypatch.setitem(sys.modules, "IPython", module)
    assert not in_kernel() and kernel_shell() is None and running_cell() is None
