from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kernels import Kernel

kernels = pytest.importorskip("kernels", reason="needs a kernel; install the extra 'lab'")
pytestmark = pytest.mark.lab

FOLDER = Path(__file__).resolve().parent / "questions"
SETUP = f"""
import pathlib, wslab
from wslab.quiz import questions, quiz as module
questions.FOLDER = pathlib.Path({str(FOLDER)!r})
"""
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with kernels.running_kernel(SETUP) as kernel:
        yield kernel


def result(kernel: Kernel, code: str) -> dict[str, Any]:
    """Run a cell and give its result in all the forms that it has."""
    cell, forms = kernel.start(code), {}
    while not cell.done:
        message = kernel.client.get_iopub_msg(timeout=kernels.PATIENCE_S)
        if message["parent_header"].get("msg_id") == cell.request:
            cell.take(message["msg_type"], message["content"])
            if message["msg_type"] == "execute_result":
                forms = message["content"]["data"]
    assert not cell.error, cell.traceback
    return forms


def test_a_quiz_shows_its_form_and_the_text_beside_it(kernel: Kernel) -> None:
    shown = result(kernel, "first = wslab.quiz('tea'); first")
    assert set(shown) == {WIDGET, "text/plain"}
    assert shown["text/plain"].startswith("Quiz on 01_tea: 3 questions, two tries each\n\n1. What is the opcode")
    assert shown[WIDGET]["model_id"] not in shown["text/plain"]


def test_a_quiz_that_is_shown_again_is_the_same_form(kernel: Kernel) -> None:
    assert result(kernel, "again = wslab.quiz('tea'); again")[WIDGET] == result(kernel, "again")[WIDGET]


def test_two_quizzes_have_a_form_each(kernel: Kernel) -> None:
    one, two = (result(kernel, "wslab.quiz('tea')")[WIDGET] for _ in range(2))
    assert one != two


@pytest.mark.parametrize("missing", ["anywidget"])
def test_without_widgets_a_quiz_is_text(kernel: Kernel, missing: str) -> None:
    kernel.ask("find_spec = module.find_spec")
    kernel.ask(f"module.find_spec = lambda name: None if name == {missing!r} else find_spec(name)")
    try:
        assert set(result(kernel, "wslab.quiz('tea')")) == {"text/plain"}
    finally:
        kernel.ask("module.find_spec = find_spec")
