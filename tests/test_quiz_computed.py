"""What a reader's own tape is asked, and that the tape answers it."""

from __future__ import annotations

import pytest
from quizzes import hello_tape
from websockets.protocol import CLIENT, SERVER

import wslab
from wslab.quiz.computed import FUNCTIONS, compute
from wslab.quiz.grading import Item, judge
from wslab.quiz.kinds import Asked, Computed, options
from wslab.quiz.question_rules import complaints_about_file

HELLO = hello_tape()


def asked(function: str, tape: wslab.Tape) -> Asked | None:
    return compute(Computed(id="mine", source="RFC 6455", read="What?", computed=function), tape)


def close_tape(*payloads: tuple[wslab.Side, bytes]) -> wslab.Tape:
    tape = hello_tape(closed=False)
    for sender, payload in payloads:
        key = bytes(4) if sender is CLIENT else None
        tape.write(1, sender, wslab.encode(wslab.WireFrame(wslab.CLOSE, payload, masking_key=key)), 0)
    return tape


def judged(question: Asked, answer: str) -> bool:
    return judge(Item("01_tea", question, tuple(range(len(options(question))))), answer).right


@pytest.mark.parametrize(
    ("function", "tape", "answer"),
    [
        ("framing_bytes", HELLO, "16"),
        ("largest_frame", HELLO, "11"),
        ("masked_frames", HELLO, "2"),
        ("close_sender", HELLO, "a"),
        ("close_sender", close_tape((SERVER, b"\x03\xe9"), (CLIENT, b"\x03\xe9")), "b"),
        ("close_code", HELLO, "1000"),
        ("close_code", close_tape((SERVER, b"\x03\xe9bye"), (CLIENT, b"\x03\xe8")), "1001"),
    ],
)
def test_the_tape_gives_the_answer(function: str, tape: wslab.Tape, answer: str) -> None:
    question = asked(function, tape)
    assert question is not None and judged(question, answer)


@pytest.mark.parametrize(
    ("function", "tape"),
    [
        *((function, wslab.Tape()) for function in FUNCTIONS),
        ("close_sender", hello_tape(closed=False)),
        ("close_code", hello_tape(closed=False)),
        ("close_code", close_tape((SERVER, b""))),
    ],
)
def test_a_tape_is_not_asked_what_it_cannot_answer(function: str, tape: wslab.Tape) -> None:
    assert asked(function, tape) is None


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_computed_question_keeps_the_rules_of_all_questions(function: str) -> None:
    question = asked(function, HELLO)
    assert question is not None
    assert [complaint for complaint in complaints_about_file([question]) if complaint.number is not None] == []


def test_a_typical_wrong_number_says_what_it_counts() -> None:
    question = asked("framing_bytes", HELLO)
    assert question is not None
    for wrong, says in ((14, "payload alone"), (30, "all the bytes"), (8, "masking-keys are missing"), (1, "Add up")):
        verdict = judge(Item("01_tea", question), str(wrong))
        assert not verdict.right and says in verdict.notes[0].text
