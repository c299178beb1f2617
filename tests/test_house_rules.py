"""Every lesson keeps the house rules, and every rule can say no."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from house_rules import (
    RULES,
    Notebook,
    Rule,
    as_many_cells_as_a_lesson_has,
    errors_where_they_are_expected,
    executed_in_order,
    imports_first_and_only_there,
    metadata_without_this_run,
    mostly_very_short_code_cells,
    no_emoji,
    no_empty_cell,
    no_exclamation,
    no_fixed_port,
    no_print_in_a_handler,
    no_random_key_shown,
    one_title_on_top,
    only_python,
    outputs_that_hold_for_every_run,
    prose_between_code,
    short_code_cells,
    tags_and_no_comment_markers,
    what_is_not_compared_is_asserted,
)

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
RFC_PAIR = "dGhlIHNhbXBsZSBub25jZQ== gives s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
# From another notebook than the one that shows it.
RANDOM_KEY = "q4xkcO32u266gldTuKaSOw=="
RANDOM_ACCEPT = "fHq4Ym0Ln3pWvTzZbR8cXk2sJdE="


def prose(words: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": "p", "metadata": {}, "source": words}


def code(source: str, *outputs: dict[str, Any], tags: tuple[str, ...] = ()) -> dict[str, Any]:
    metadata = {"tags": list(tags)} if tags else {}
    return {"cell_type": "code", "id": "c", "metadata": metadata, "source": source, "outputs": list(outputs)}


def stream(words: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": words}


def result(kind: str, words: str) -> dict[str, Any]:
    return {"output_type": "execute_result", "data": {kind: [words]}, "metadata": {}}


def error(value: str, *lines: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": "E", "evalue": value, "traceback": list(lines)}


def notebook(*cells: dict[str, Any]) -> Notebook:
    """Build a notebook whose code cells count as executed in order."""
    cells = copy.deepcopy(cells)
    executed = [cell for cell in cells if cell["cell_type"] == "code"]
    for number, cell in enumerate(executed, 1):
        cell["execution_count"] = number
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def out_of_order() -> Notebook:
    bad = notebook(code("1"), code("2"))
    bad["cells"][1]["execution_count"] = 3
    return bad


def never_run() -> Notebook:
    bad = notebook(code("1"))
    bad["cells"][0]["execution_count"] = None
    return bad


def changed(**metadata: Any) -> Notebook:
    bad = notebook(prose("# One"))
    bad["metadata"] |= metadata
    return bad


def timed_cell() -> Notebook:
    bad = notebook(code("1"))
    bad["cells"][0]["metadata"] = {"execution": {"iopub.status.busy": "2026"}}
    return bad


def without_ids() -> Notebook:
    bad = notebook(code("1"))
    del bad["cells"][0]["id"]
    return bad


HANDLER = "async def handler(websocket):\n    async for message in websocket:\n        print(message)"
OTHER_HANDLER = "async def answer(peer):\n    print(peer)"
IMPORTS = code("import asyncio\n\nfrom websockets.asyncio.client import connect")
GOOD = notebook(
    prose("# A title\n\nWith `!` and `!=` in code:\n\n```\n# not a title!\n```\n\n![picture](a.png)"),
    IMPORTS,
    *[cell for number in range(14) for cell in (prose(f"Number {number}."), code(str(number)))],
    prose("Now the wire."),
    code("async with serve(handler, port=0) as server:\n    await connect(server.url)"),
    code("'ws://example.com/chat' != 'ws://127.0.0.1:…/'", result("text/plain", "ws://127.0.0.1:…/ 0x37fa213d")),
    prose("The sample of the RFC."),
    code("accept_key('dGhlIHNhbXBsZSBub25jZQ==')", stream(RFC_PAIR)),
    prose("An expected failure."),
    code("asyncio.run(main())", error("no", "File asyncio/runners.py:190"), tags=("raises-exception",)),
    prose("A claim."),
    code("# Times differ from machine to machine.\nassert 2 > 1", stream("2.3"), tags=("nbval-ignore-output",)),
)
BAD: list[tuple[Rule, Notebook]] = [
    (executed_in_order, out_of_order()),
    (executed_in_order, never_run()),
    (as_many_cells_as_a_lesson_has, notebook(*[prose("a")] * 29)),
    (as_many_cells_as_a_lesson_has, notebook(*[prose("a")] * 61)),
    (no_empty_cell, notebook(code(" \n"))),
    (no_empty_cell, notebook(prose(""))),
    (one_title_on_top, notebook(prose("## Only a second"))),
    (one_title_on_top, notebook(prose("# One"), prose("words\n# Two"))),
    (one_title_on_top, notebook(prose("words"), prose("# One"))),
    (imports_first_and_only_there, notebook(code("import asyncio\nasyncio"))),
    (imports_first_and_only_there, notebook(IMPORTS, code("def late():\n    from json import loads"))),
    (short_code_cells, notebook(code("1\n" * 16))),
    (mostly_very_short_code_cells, notebook(code("1"), code("1\n" * 5), code("1\n" * 5))),
    (prose_between_code, notebook(code("1"), code("2"), code("3"))),
    (only_python, notebook(code("%pip install websockets"))),
    (only_python, notebook(code("!ls"))),
    (only_python, notebook(code("x = 1\nx?"))),
    (only_python, notebook(code("sys.path.append('..')"))),
    (no_fixed_port, notebook(code("serve(handler, port=8765)"))),
    (no_fixed_port, notebook(code("serve(handler, 'localhost', 8765)"))),
    (no_fixed_port, notebook(code("address = ('127.0.0.1', 8765)"))),
    (no_fixed_port, notebook(code("PORT = 8765"))),
    (no_fixed_port, notebook(code("connect('ws://example.com:8765/chat')"))),
    (no_fixed_port, notebook(code("f'Host: localhost:8765 {word}'"))),
    (no_print_in_a_handler, notebook(code(HANDLER))),
    (no_print_in_a_handler, notebook(code(OTHER_HANDLER), code("await wslab.serve(answer)"))),
    (what_is_not_compared_is_asserted, notebook(code("# Times differ.\nclock()", tags=("nbval-ignore-output",)))),
    (what_is_not_compared_is_asserted, notebook(code("# Not here.\nclock()", tags=("nbval-skip",)))),
    (what_is_not_compared_is_asserted, notebook(code("assert '# no comment'", tags=("nbval-ignore-output",)))),
    (tags_and_no_comment_markers, notebook(code("# NBVAL_IGNORE_OUTPUT\nassert True"))),
    (errors_where_they_are_expected, notebook(code("1 / 0", error("division by zero")))),
    (errors_where_they_are_expected, notebook(code("1 / 1", tags=("raises-exception",)))),
    (outputs_that_hold_for_every_run, notebook(code("x", result("text/plain", "<object at 0x10a2b3c4>")))),
    (outputs_that_hold_for_every_run, notebook(code("x", result("text/html", "<p>0x7f05122e0290</p>")))),
    (outputs_that_hold_for_every_run, notebook(code("x", stream("ws://127.0.0.1:45713/")))),
    (outputs_that_hold_for_every_run, notebook(code("x", result("image/svg+xml", "<text>localhost:45713</text>")))),
    (outputs_that_hold_for_every_run, notebook(code("x", error("Connect call failed ('127.0.0.1', 45713)")))),
    (outputs_that_hold_for_every_run, notebook(code("x", stream("listening, port=45713")))),
    (outputs_that_hold_for_every_run, notebook(code("x", error("no", "File ~/lib/python3.11/asyncio/runners.py")))),
    (outputs_that_hold_for_every_run, notebook(code("x", error("no", "File /home/ann/wslab/x.py")))),
    (outputs_that_hold_for_every_run, notebook(code("x", stream("Date: Mon, 23 Nov 2026 04:26:16 GMT")))),
    (outputs_that_hold_for_every_run, notebook(code("x", stream("6f1f9f36-2f42-4a6b-8a53-0ac2d5ea29b9")))),
    (outputs_that_hold_for_every_run, notebook(code("x", stream("/lab?token=ebe8f459df52b7844a3c9f46")))),
    (no_random_key_shown, notebook(code("x", stream(f"Sec-WebSocket-Key: {RANDOM_KEY}")))),
    (no_random_key_shown, notebook(code("x", stream(f"Sec-WebSocket-Accept: {RANDOM_ACCEPT}")))),
    (no_emoji, notebook(prose("Well done \N{PARTY POPPER}"))),
    (no_emoji, notebook(code("x", stream("\N{WHITE HEAVY CHECK MARK}")))),
    (no_exclamation, notebook(prose("It works!"))),
    (metadata_without_this_run, changed(kernelspec={"name": "wslab-venv"})),
    (metadata_without_this_run, changed(language_info={"name": "python", "version": "3.11.7"})),
    (metadata_without_this_run, changed(widgets={})),
    (metadata_without_this_run, timed_cell()),
    (metadata_without_this_run, without_ids()),
]


@pytest.mark.parametrize(
    ("rule", "bad"), BAD, ids=[f"{number}-{rule.__name__}" for number, (rule, _) in enumerate(BAD)]
)
def test_a_rule_complains_of_what_it_forbids(rule: Rule, bad: Notebook) -> None:
    assert len(rule(bad)) == 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_has_no_complaint_about_a_good_notebook(rule: Rule) -> None:
    assert rule(GOOD) == []


def test_every_rule_is_proved_able_to_complain() -> None:
    assert {rule for rule, _ in BAD} == set(RULES)


def test_a_key_that_the_lesson_itself_names_is_not_random() -> None:
    assert no_random_key_shown(notebook(code(f"key = '{RANDOM_KEY}'", stream(RANDOM_KEY)))) == []


def test_there_are_lessons() -> None:
    assert LESSONS


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_lesson_keeps_the_rule(lesson: Path, rule: Rule) -> None:
    if rule is as_many_cells_as_a_lesson_has and lesson.stem == "14_quiz":
        return  # its questions are what there is to read
    assert rule(json.loads(lesson.read_text(encoding="utf-8"))) == []
