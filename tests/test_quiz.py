from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from quizzes import RIGHT, WRONG, every_kind, hello_tape, tea

import wslab
from wslab.quiz import questions

__all__ = ["tea"]

pytestmark = pytest.mark.usefixtures("tea")

TWIN = """\
Quiz on 01_tea: 3 questions, two tries each

1. What is the opcode of `send("Hello")`? Choose one.
   a) TEXT
   b) BINARY
   c) CONT

2. Which of these frames are masked? Choose all that are right.
   a) A text frame from the client
   b) A ping from the server
   c) A close frame from the client
   > Question 2, answer ab: Not right. One more try.
   > a: A client masks every frame.
   > b: A server masks none.

3. How many bytes stand before the payload of a masked Hello? Give a number of bytes.

Score: 0 of 3, 3 still open.

To answer in code, name it quiz: quiz.answer(1, "a"), quiz.answer(2, "ab"), quiz.answer(3, 1)."""

REPORT = """\
Score: 2.5 of 5, 1 still open.
topic   points  questions  still open
------  ------  ---------  ----------
01_tea     2.5          5           1

Read again:
- 01_tea, What do two bytes say?: 01_tea.ipynb#What-do-two-bytes-say?
- 01_tea, Where is the client's Hello?: 01_tea.ipynb#Where-is-the-client's-Hello?"""


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    from wslab import ledger

    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(ledger, "record_answer", lambda *call: calls.append(call))
    return calls


@pytest.mark.parametrize("topic", ["tea", "01_tea"])
def test_a_topic_gives_its_checkpoint_in_the_order_of_the_file(topic: str) -> None:
    quiz = wslab.quiz(topic)
    assert [item.question.id for item in quiz.items] == ["opcode-of-hello", "who-masks", "header-bytes"]


def test_no_topic_gives_all_questions() -> None:
    assert len(every_kind()) == 5


def test_a_topic_that_is_named_twice_is_asked_once() -> None:
    assert len(wslab.quiz("tea", "01_tea")) == 3


def test_no_file_is_read_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "load_file", lambda path: pytest.fail(f"{path.name} was read"))
    assert questions.topics() == ("01_tea",)
    with pytest.raises(wslab.QuizError):
        wslab.quiz("coffee")


@pytest.mark.parametrize(
    ("topics", "options", "says"),
    [
        (("coffee",), {}, "no questions on 'coffee'"),
        ((4,), {}, "no questions on 4"),
        (("tea",), {"count": 0}, "count is 0"),
        (("tea",), {"count": True}, "count is True"),
        (("tea",), {"count": 6}, "6 questions are asked for, and there are 5"),
        (("tea",), {"seed": "7"}, "seed is '7'"),
        (("tea",), {"tape": b"81"}, "the tape is a bytes"),
    ],
)
def test_what_cannot_be_asked_is_told(topics: tuple[str, ...], options: dict[str, object], says: str) -> None:
    with pytest.raises(wslab.QuizError, match=says):
        wslab.quiz(*topics, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", range(1, 6))
def test_right_at_once_brings_a_point(number: int) -> None:
    quiz = every_kind()
    feedback = quiz.answer(number, RIGHT[number - 1])
    assert feedback.right and feedback.points == 1 and feedback.tries_left == 0 and not feedback.read
    assert float(quiz.score) == 1


@pytest.mark.parametrize("number", range(1, 6))
def test_right_at_the_second_try_brings_a_half(number: int) -> None:
    quiz = every_kind()
    first = quiz.answer(number, WRONG[number - 1])
    assert not first.right and first.tries_left == 1 and not first.source and not first.read
    second = quiz.answer(number, RIGHT[number - 1])
    assert second.right and second.points == 0.5 and second.tries_left == 0 and second.read
    assert quiz.score.points == 0.5


def test_wrong_twice_brings_nothing_and_says_where_to_read() -> None:
    quiz = wslab.quiz("tea")
    quiz.answer(3, 2)
    feedback = quiz.answer(3, 8)
    assert feedback.points == 0 and feedback.tries_left == 0 and feedback.source == "RFC 6455, 5.2"
    assert feedback.read == "01_tea.ipynb#Where-is-the-client's-Hello?"
    assert repr(feedback) == (
        "Question 3, answer 8: Not right.\nCount the masking-key too.\n"
        "Right: 6 bytes. Two, and four of masking-key.\nSource: RFC 6455, 5.2.\n"
        "Read again: 01_tea.ipynb#Where-is-the-client's-Hello?"
    )


@pytest.mark.parametrize(
    ("number", "again", "told"),
    [
        (1, "c", [("", "Right: a."), ("a", "A `str` goes as text.")]),
        (2, "bc", [("", "Right: a, c."), ("a", "A client masks every frame.")]),
        (3, 8, [("", "Right: 6 bytes. Two, and four of masking-key.")]),
        (4, "[]", [("", "Right: ['one', 'two']. Both stand in the list, in order.")]),
        (5, 2, [("", "Right: frame 3. It comes from the client, and is not masked.")]),
    ],
)
def test_wrong_twice_tells_what_is_right(number: int, again: object, told: list[tuple[str, str]]) -> None:
    quiz = every_kind()
    assert not any(text.startswith("Right:") for _, text in quiz.answer(number, WRONG[number - 1]).notes)
    assert list(quiz.answer(number, again).notes[-len(told) :]) == told


def test_a_wrong_number_gets_the_feedback_for_that_number() -> None:
    assert "masking-key is missing" in repr(wslab.quiz("tea").answer(3, 2))


def test_what_is_right_but_not_all_is_told() -> None:
    assert "it is not all that is right" in repr(wslab.quiz("tea").answer(2, "a"))


def test_no_feedback_tells_of_options_that_were_not_chosen() -> None:
    feedback = wslab.quiz("tea").answer(2, "b")
    assert [note.label for note in feedback.notes] == ["b"]


@pytest.mark.parametrize(
    ("number", "answer", "says"),
    [
        (0, "a", "no question 0"),
        (6, "a", "no question 6"),
        (-1, "a", "no question -1"),
        (True, "a", "no question True"),
        ("1", "a", "no question '1'"),
        (1, "d", "'d' is not an answer"),
        (1, "ab", "'ab' is not an answer"),
        (1, "", "'' is not an answer"),
        (1, 1, "1 is not an answer"),
        (1, None, "None is not an answer"),
        (2, "ad", "'ad' is not an answer"),
        (3, "six", "'six' is not a number"),
        (3, "nan", "'nan' is not a number"),
        (3, float("inf"), "inf is not a number"),
        (3, True, "True is not a number"),
        (3, 10**400, "is not a number"),
        (3, None, "None is not a number"),
        (4, " ", "' ' is not an output"),
        (4, None, "None is not an output"),
        (5, 4, "no frame 4"),
        (5, 0, "no frame 0"),
        (5, 1.5, "no frame 1.5"),
    ],
)
def test_what_is_no_answer_is_told_and_costs_no_try(number: int, answer: object, says: str) -> None:
    quiz = every_kind()
    with pytest.raises(wslab.AnswerError, match=says):
        quiz.answer(number, answer)
    assert quiz.answers == ((),) * 5


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (1, "A"),
        (1, " a "),
        (2, "ca"),
        (2, "a, c"),
        (2, ["a", "c"]),
        (2, {"c", "a"}),
        (3, 6.0),
        (3, "6"),
        (3, "6 bytes"),
        (4, '["one",  "two"]\n'),
        (4, ["one", "two"]),
        (5, "3"),
    ],
)
def test_an_answer_may_be_written_in_several_ways(number: int, answer: object) -> None:
    assert every_kind().answer(number, answer).right


def test_a_finished_question_takes_no_answer() -> None:
    quiz = wslab.quiz("tea")
    quiz.answer(1, "a")
    with pytest.raises(wslab.AnswerError, match=r"question 1 is finished.*go on with 2, 3"):
        quiz.answer(1, "b")
    assert quiz.answers == (("a",), (), ())


def test_the_same_wrong_answer_costs_one_try_only() -> None:
    quiz = every_kind()
    quiz.answer(4, "['one']")
    with pytest.raises(wslab.AnswerError, match="you have tried"):
        quiz.answer(4, '["one"]')
    assert quiz.answer(4, RIGHT[3]).points == 0.5


def test_the_twin_is_all_that_there_is_to_see_and_says_how_to_answer() -> None:
    quiz = wslab.quiz("tea")
    quiz.answer(2, "ab")
    assert repr(quiz) == TWIN
    assert quiz._repr_mimebundle_() == {"text/plain": TWIN}


def test_the_twin_shows_code_and_tapes() -> None:
    shown = repr(every_kind())
    assert '      arrived += ["two"]\n' in shown
    assert "       3  client  TEXT b'Hello'          81 05 48 65 6c 6c 6f\n" in shown


def test_the_twin_holds_no_key() -> None:
    quiz = every_kind()
    assert "feedback" not in repr(quiz)
    for item in quiz.items:
        assert not any(option.feedback in repr(quiz) for option in item.options.values())


def test_the_report_gives_the_score_by_topic_and_what_to_read_again() -> None:
    quiz = every_kind()
    for number, answer in ((1, "b"), (1, "a"), (2, "ac"), (3, 2), (3, 8), (4, RIGHT[3]), (5, 1)):
        quiz.answer(number, answer)
    assert repr(quiz.report()) == REPORT
    html = quiz.report()._repr_html_()
    assert '<a href="01_tea.ipynb#Where-is-the-client&#x27;s-Hello?">' in html


def test_a_seed_draws_the_same_questions_with_the_same_options_in_the_same_order() -> None:
    assert repr(wslab.quiz("tea", count=4, seed=7)) == repr(wslab.quiz("tea", count=4, seed=7))
    drawn = {repr(wslab.quiz("tea", count=4, seed=seed)).partition("\n")[2] for seed in range(20)}
    assert len(drawn) > 10


def test_the_draw_of_a_seed_is_the_same_everywhere() -> None:
    ids = [item.question.id for item in wslab.quiz("tea", count=4, seed=7).items]
    assert ids == ["opcode-of-hello", "who-broke-it", "who-masks", "header-bytes"]
    assert wslab.quiz("tea", count=4, seed=7).items[0].order == (1, 0, 2)


def test_a_shuffled_letter_means_the_option_that_is_shown() -> None:
    quiz = wslab.quiz("tea", count=4, seed=7)
    assert "   b) TEXT\n" in repr(quiz)
    assert quiz.answer(1, "b").right


def test_a_count_alone_draws_a_seed_and_tells_it() -> None:
    quiz = wslab.quiz("tea", count=2)
    assert f"seed {quiz.plan.seed}" in repr(quiz)
    assert repr(wslab.quiz("tea", count=2, seed=quiz.plan.seed)) == repr(quiz)


def test_a_tape_adds_the_questions_that_it_can_answer() -> None:
    assert [item.question.id for item in wslab.quiz("tea", tape=hello_tape()).items[3:]] == [
        "your-framing",
        "your-close",
    ]
    assert [item.question.id for item in wslab.quiz("tea", tape=hello_tape(closed=False)).items[3:]] == ["your-framing"]
    assert len(wslab.quiz("tea", tape=wslab.Tape())) == 3


def test_every_answer_is_recorded_with_its_try(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, quiz = recorded(monkeypatch), wslab.quiz("tea")
    quiz.answer(1, "b")
    quiz.answer(1, "a")
    quiz.answer(2, "ac")
    with pytest.raises(wslab.AnswerError):
        quiz.answer(3, "x")
    assert calls == [
        ("01_tea", "opcode-of-hello", False, 1),
        ("01_tea", "opcode-of-hello", True, 2),
        ("01_tea", "who-masks", True, 1),
    ]


def test_threads_that_answer_at_once_get_two_tries_between_them() -> None:
    quiz, taken, together = wslab.quiz("tea"), [], threading.Barrier(8)

    def answer(number: int) -> None:
        together.wait()
        with suppress(wslab.AnswerError):
            taken.append(quiz.answer(3, 100 + number))

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 2 == len(quiz.answers[2])


def test_feedback_in_html_is_escaped() -> None:
    html = every_kind().answer(4, "<b>&")._repr_html_()
    assert "&lt;b&gt;&amp;" in html and "<b>" not in html
