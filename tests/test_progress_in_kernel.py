"""Lessons that are executed for the book leave the ledger of whoever executes them alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CELL = "from wslab import ledger\nledger.record_check('echo', True)\nledger.is_on()"


@pytest.mark.lab
def test_executing_lessons_records_nothing(tmp_path: Path) -> None:
    import nbformat

    lesson = tmp_path / "lesson.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)]), lesson)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST") and name != "CI"}
    environment["WSLAB_DATA_DIR"] = str(tmp_path / "data")
    subprocess.run([sys.executable, ROOT / "tools" / "execute_lessons.py", lesson], env=environment, check=True)
    (output,) = nbformat.read(lesson, as_version=4).cells[0].outputs
    assert output["data"]["text/plain"] == "False"
    assert not (tmp_path / "data").exists()
