"""A quiz in the reader's own place: answered by mouse and by keyboard alone, in a real JupyterLab in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lab import NEEDS_A_BROWSER, browser, lab, new_page, open_notebook, picture_of_a_failure
from playwright.sync_api import Browser, Locator, Page, WebSocket, expect
from quizzes import FOLDER

__all__ = ["browser", "lab"]

pytestmark = NEEDS_A_BROWSER

SETUP = f"""\
from pathlib import Path
import wslab
from wslab.quiz import questions
questions.FOLDER = Path({str(FOLDER)!r})"""
CELLS = [SETUP, "quiz = wslab.quiz()\nquiz", "quiz", "other = wslab.quiz('tea')\nother"]
NOTEBOOK = Path("quiz.ipynb")
PATIENCE_MS = 30_000
THEMES = ["JupyterLab Light", "JupyterLab Dark"]
# What the page must not be told before somebody chose it.
SECRETS = ("A `str` goes as text.", "Only bytes go as binary.", "A server masks none.", "Two, and four of masking-key.")


@pytest.fixture(scope="module")
def lab_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home for a JupyterLab, with one notebook of quizzes."""
    home = tmp_path_factory.mktemp("lab")
    (home / "notebooks").mkdir()
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    nbformat.write(notebook, home / "notebooks" / NOTEBOOK)
    return home


@pytest.fixture(scope="module")
def page(browser: Browser, lab: str) -> Iterator[Page]:
    """Open the notebook once; every test restarts its kernel."""
    with new_page(browser) as page:
        page.set_default_timeout(PATIENCE_MS)
        open_notebook(page, lab, NOTEBOOK)
        yield page


@pytest.fixture
def quizzes(page: Page) -> Locator:
    """Show the quizzes of the notebook: one of every kind of question, the same again, and another."""
    page.evaluate("window.lesson.run('notebook:clear-all-cell-outputs')")
    page.evaluate("void window.lesson.run('notebook:restart-run-all')")
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    page.wait_for_function("window.lesson.hasRun()", polling=100)
    assert page.evaluate("window.lesson.failures()") == []
    shown = page.locator(".wslab-quiz")
    expect(shown).to_have_count(3)
    return shown


@pytest.fixture
def received(page: Page) -> Iterator[list[bytes]]:
    """Gather all that the page receives over its WebSockets, which is all that a kernel can tell it."""
    frames: list[bytes] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: frames.append(data if isinstance(data, bytes) else data.encode()))

    page.on("websocket", listen)
    yield frames
    page.remove_listener("websocket", listen)


def question(quiz: Locator, number: int) -> Locator:
    return quiz.locator("form").nth(number - 1)


def feedback(quiz: Locator, number: int) -> Locator:
    return question(quiz, number).locator("[aria-live=polite]")


def run_in_kernel(page: Page, code: str) -> None:
    assert page.evaluate("code => window.lesson.execute(code)", code) == "ok"


def notebook_of(page: Page) -> Any:
    return page.evaluate("window.lesson.cells()")


def test_a_quiz_is_answered_by_mouse(quizzes: Locator, page: Page, tmp_path: Path) -> None:
    quiz = quizzes.nth(0)
    with picture_of_a_failure(page, tmp_path):
        question(quiz, 1).get_by_role("button", name="Answer").click()
        expect(feedback(quiz, 1)).to_have_text("Choose an answer first.")
        question(quiz, 1).get_by_text("BINARY").click()
        question(quiz, 1).get_by_role("button", name="Answer").click()
        expect(feedback(quiz, 1)).to_have_text("Not right. One more try.Only bytes go as binary.")
        question(quiz, 1).get_by_label("TEXT").check()
        question(quiz, 1).get_by_role("button", name="Answer again").click()
        expect(feedback(quiz, 1)).to_contain_text("Right on the second try, half a point.")
        for label in ("A text frame from the client", "A close frame from the client"):
            question(quiz, 2).get_by_label(label).check()
        question(quiz, 2).get_by_role("button", name="Answer").click()
        expect(feedback(quiz, 2)).to_contain_text("Right, 1 point.")
        question(quiz, 3).get_by_role("textbox").fill("six")
        question(quiz, 3).get_by_role("button", name="Answer").click()
        expect(feedback(quiz, 3)).to_contain_text("'six' is not a number.")
        question(quiz, 3).get_by_role("textbox").fill("6")
        question(quiz, 3).get_by_role("button", name="Answer").click()
        expect(feedback(quiz, 3)).to_contain_text("Right, 1 point.")
        question(quiz, 4).get_by_role("textbox").fill("['one',  \"two\"]")
        question(quiz, 4).get_by_role("button", name="Answer").click()
        expect(feedback(quiz, 4)).to_contain_text("Right, 1 point.")
        expect(quiz.locator("header")).to_contain_text("3.5 of 5, 1 still open")
        question(quiz, 5).get_by_label("3").check()
        question(quiz, 5).get_by_role("button", name="Answer").click()
        end = quiz.locator(".wslab-quiz-end")
        expect(end).to_contain_text("Your score: 4.5 of 5")
        link = end.get_by_role("link", name="01_tea, What do two bytes say?")
        expect(link).to_have_attribute("href", "01_tea.ipynb#What-do-two-bytes-say?")
        run_in_kernel(
            page, "assert quiz.answers == (('b', 'a'), ('ac',), ('6',), (\"['one',  \\\"two\\\"]\",), ('3',))"
        )


def test_a_quiz_is_answered_by_keyboard_alone(quizzes: Locator, page: Page, tmp_path: Path) -> None:
    quiz, keys = quizzes.nth(0), page.keyboard
    with picture_of_a_failure(page, tmp_path):
        before = notebook_of(page)
        question(quiz, 1).get_by_label("TEXT").focus()
        keys.press("Space")
        keys.press("ArrowDown")  # to BINARY
        keys.press("Enter")
        expect(feedback(quiz, 1)).to_contain_text("Not right. One more try.")
        expect(question(quiz, 1).get_by_label("BINARY")).to_be_focused()
        keys.press("ArrowUp")
        keys.press("Tab")
        keys.press("Space")  # on "Answer again"
        expect(feedback(quiz, 1)).to_contain_text("Right on the second try")
        keys.press("Enter")  # on "Go on"
        expect(question(quiz, 2).get_by_role("checkbox").nth(0)).to_be_focused()
        keys.press("Space")
        keys.press("Tab")
        keys.press("Tab")
        keys.press("Space")
        keys.press("Enter")
        expect(feedback(quiz, 2)).to_contain_text("Right, 1 point.")
        # What had the focus is disabled now; it must not have gone to the notebook.
        expect(question(quiz, 2).get_by_role("button")).to_be_focused()
        keys.press("Enter")
        keys.type("6")
        keys.press("Enter")
        expect(feedback(quiz, 3)).to_contain_text("Right, 1 point.")
        keys.press("Tab")  # from "Go on" into the next question
        keys.type("['one', 'two']")
        keys.press("Enter")
        expect(feedback(quiz, 4)).to_contain_text("Right, 1 point.")
        expect(question(quiz, 4).get_by_role("button")).to_be_focused()
        keys.press("Enter")
        keys.press("Space")
        keys.press("ArrowRight")
        keys.press("ArrowRight")
        keys.press("Enter")
        expect(quiz.locator(".wslab-quiz-end")).to_contain_text("Your score: 4.5 of 5")
        keys.press("Enter")  # on "Go on", with no question left
        expect(quiz.locator(".wslab-quiz-end")).to_be_focused()
        assert notebook_of(page) == before


@pytest.mark.parametrize("kind", ["radio", "checkbox", "textbox", "button"])
def test_the_keys_of_the_notebook_do_nothing_in_a_quiz(kind: str, quizzes: Locator, page: Page) -> None:
    before = notebook_of(page)
    quizzes.nth(0).get_by_role(kind).first.focus()  # type: ignore[arg-type]
    focused = page.evaluate("document.activeElement.outerHTML")
    for key in ("b", "a", "d", "d", "x", "m", "y", "Shift+M", "ArrowDown", "Escape", "b", "d", "d"):
        page.keyboard.press(key)
    run_in_kernel(page, "None")  # what a key had started in the page has had its time
    assert notebook_of(page) == before
    if kind != "radio":
        assert page.evaluate("document.activeElement.outerHTML") == focused


def test_an_answer_in_code_shows_in_every_view_and_in_no_other_quiz(quizzes: Locator, page: Page) -> None:
    run_in_kernel(page, "quiz.answer(1, 'b'); quiz.answer(3, 6)")
    for view in (quizzes.nth(0), quizzes.nth(1)):
        expect(feedback(view, 1)).to_contain_text("Only bytes go as binary.")
        expect(view.get_by_label("BINARY")).to_be_checked()
        expect(question(view, 3).get_by_role("textbox")).to_have_value("6")
        expect(view.locator("header")).to_contain_text("1 of 5, 4 still open")
    expect(quizzes.nth(2).locator("header")).to_contain_text("0 of 3, 3 still open")
    expect(feedback(quizzes.nth(2), 1)).to_be_empty()


def test_an_answer_in_one_view_shows_in_the_other_and_after_a_new_display(quizzes: Locator, page: Page) -> None:
    quizzes.nth(0).get_by_label("BINARY").check()
    question(quizzes.nth(0), 1).get_by_role("button").click()
    expect(feedback(quizzes.nth(1), 1)).to_contain_text("Not right. One more try.")
    page.evaluate("window.lesson.panel().content.activeCellIndex = 2")
    page.evaluate("window.lesson.run('notebook:run-cell')")
    expect(feedback(quizzes.nth(1), 1)).to_contain_text("Not right. One more try.")
    expect(quizzes.nth(1).get_by_label("BINARY")).to_be_checked()


def test_the_page_is_never_told_what_is_right(received: list[bytes], quizzes: Locator, page: Page) -> None:
    assert [frame for frame in received if b"What is the opcode of" in frame]
    assert [secret for secret in SECRETS if any(secret.encode() in frame for frame in received)] == []
    assert not [secret for secret in SECRETS if secret in page.content()]
    quizzes.nth(0).get_by_label("BINARY").check()
    question(quizzes.nth(0), 1).get_by_role("button").click()
    expect(feedback(quizzes.nth(0), 1)).to_contain_text("Only bytes go as binary.")
    assert [secret for secret in SECRETS if any(secret.encode() in frame for frame in received)] == [SECRETS[1]]


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_stands_out_and_nothing_has_an_id(theme: str, quizzes: Locator, page: Page) -> None:
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    page.wait_for_function("light => document.body.dataset.jpThemeLight === light", arg=str("Light" in theme).lower())
    run_in_kernel(page, "quiz.answer(1, 'b'); quiz.answer(1, 'c'); quiz.answer(2, 'ac'); quiz.answer(3, 1)")
    run_in_kernel(page, "quiz.answer(3, 6); quiz.answer(4, 'x'); quiz.answer(5, 3); quiz.answer(4, 'y')")
    expect(quizzes.nth(0).locator(".wslab-quiz-end")).to_contain_text("Your score")
    count, faint = quizzes.nth(0).evaluate("quiz => window.lesson.faintTexts(quiz)")
    assert count > 40 and faint == []
    assert quizzes.nth(0).locator("[id]").count() == 0


def test_what_has_the_focus_is_seen(quizzes: Locator, page: Page) -> None:
    quiz = quizzes.nth(0)
    question(quiz, 1).get_by_label("TEXT").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        outlined = (
            "e => [e, e.closest('label')].some((each) => each && getComputedStyle(each).outlineStyle === 'solid')"
        )
        assert page.evaluate(f"({outlined})(document.activeElement)"), page.evaluate("document.activeElement.outerHTML")


def test_the_same_keys_work_outside_of_the_quiz(quizzes: Locator, page: Page) -> None:
    cells = len(notebook_of(page)[1])
    page.evaluate("window.lesson.run('notebook:enter-command-mode')")
    page.locator(".jp-InputPrompt").first.click()
    page.keyboard.press("b")
    page.wait_for_function("count => window.lesson.codeCells().length === count", arg=cells + 1, polling=100)
    page.evaluate("window.lesson.run('notebook:undo-cell-action')")
