"""What is stored of a lesson that was run."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import nbformat
from kernel_sockets import TRANSPORT

PATH = Path(__file__).resolve().parent.parent / "tools" / "execute_lessons.py"
SPEC = importlib.util.spec_from_file_location("execute_lessons", PATH)
assert SPEC is not None and SPEC.loader is not None
execute_lessons = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(execute_lessons)

SLIDER = """
import ipywidgets

class Slider(ipywidgets.IntSlider):
    def __repr__(self):
        return "a slider"

Slider()
"""

HOW_IT_TALKS = """
import json
from ipykernel import get_connection_info
print(json.loads(get_connection_info())["transport"])
"""


def test_of_a_widget_only_its_text_is_stored(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SLIDER)])
    path = tmp_path / "lesson.ipynb"
    nbformat.write(notebook, path)
    assert execute_lessons.execute(path)
    stored = nbformat.read(path, as_version=4)
    (output,) = stored.cells[0].outputs
    assert output["data"] == {"text/plain": "a slider"}
    assert set(stored.metadata) == {"kernelspec", "language_info"}


def test_a_lesson_takes_no_port_that_another_program_could_have(tmp_path: Path) -> None:
    path = tmp_path / "lesson.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(HOW_IT_TALKS)]), path)
    assert execute_lessons.execute(path)
    assert nbformat.read(path, as_version=4).cells[0].outputs[0].text == f"{TRANSPORT}\n"
