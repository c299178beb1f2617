from __future__ import annotations

import datetime

import pytest
from quizzes import RIGHT, WRONG, every_kind, hello_tape, tea

import wslab
from wslab.quiz.certificate import _checksum

__all__ = ["tea"]

pytestmark = pytest.mark.usefixtures("tea")


def answered() -> wslab.Quiz:
    quiz = every_kind()
    quiz.answer(1, WRONG[0])
    for number, answer in enumerate(RIGHT[:4], 1):
        quiz.answer(number, answer)
    return quiz


def signed(text: str) -> str:
    """Give a text that was changed the checksum that it should have then."""
    lines = text.splitlines()[:-1]
    return "\n".join([*lines, f"checksum: {_checksum(lines)}"])


def test_a_certificate_says_who_when_what_and_how_well() -> None:
    text = str(answered().certificate("Ada  Lovelace", date=datetime.date(2026, 11, 23)))
    head, _, rest = text.partition("\nquestions: ")
    assert head.splitlines() == [
        "wslab quiz certificate",
        "name: Ada Lovelace",
        "date: 2026-11-23",
        "topics: all",
        "count: none",
        "seed: none",
    ]
    assert rest.splitlines()[1:-1] == [
        '1. 01_tea/opcode-of-hello: ["b", "a"]',
        '2. 01_tea/who-masks: ["ac"]',
        '3. 01_tea/header-bytes: ["6"]',
        "4. 01_tea/what-arrived: [\"['one', 'two']\"]",
        "5. 01_tea/who-broke-it: []",
        "score: 3.5 of 5",
    ]


def test_a_certificate_holds() -> None:
    verification = wslab.verify_certificate(answered().certificate("Ada Lovelace"))
    assert verification and verification.holds
    assert repr(verification) == "The certificate holds: Ada Lovelace, 3.5 of 5."


@pytest.mark.parametrize("plan", [{"count": 3, "seed": 7}, {"seed": 7}, {"count": 5}], ids=str)
def test_a_certificate_of_a_draw_holds(plan: dict[str, int]) -> None:
    quiz = wslab.quiz("tea", **plan)  # type: ignore[arg-type]
    for number, item in enumerate(quiz.items, 1):
        quiz.answer(number, "a" if item.options else 1)
    assert wslab.verify_certificate(quiz.certificate("Ada"))


def test_white_space_around_its_lines_does_not_matter() -> None:
    text = str(answered().certificate("Ada")).replace("\n", "  \r\n\r\n  ")
    assert wslab.verify_certificate(f"\n\n{text}\n")


def test_the_date_may_be_left_out() -> None:
    assert "date" not in str(answered().certificate("Ada"))


@pytest.mark.parametrize("name", ["", "  \n", "x" * 201])
def test_a_certificate_needs_a_name(name: str) -> None:
    with pytest.raises(wslab.QuizError):
        answered().certificate(name)


def test_a_name_cannot_forge_lines() -> None:
    certificate = answered().certificate("Ada\nscore: 5 of 5", date="today\nscore: 5 of 5")
    assert "name: Ada score: 5 of 5" in str(certificate)
    assert wslab.verify_certificate(certificate)


def test_answers_on_the_own_tape_are_told_and_not_checked() -> None:
    quiz = wslab.quiz("tea", tape=hello_tape())
    quiz.answer(4, 16)
    certificate = quiz.certificate("Ada")
    assert "score: 0 of 3\nown tape: 1 of 2, not checked\n" in str(certificate)
    assert wslab.verify_certificate(certificate)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("score: 3.5", "score: 5", "the answers bring 3.5 of 5, not 5 of 5"),
        ('["b", "a"]', '["b"]', "the answers bring 3 of 5, not 3.5 of 5"),
        ('["b", "a"]', '["b", "c", "a"]', "nobody can have answered question 1 like this"),
        ('["b", "a"]', '["a", "b"]', "nobody can have answered question 1 like this"),
        ('["b", "a"]', '["b", "b"]', "nobody can have answered question 1 like this"),
        ('["b", "a"]', '["B", "a"]', "nobody can have answered question 1 like this"),
        ('["6"]', '["x"]', "nobody can have answered question 3 like this"),
        ("01_tea/who-masks", "01_tea/who-asks", "its questions are not those that are installed here"),
        ("count: none\nseed: none", "count: 3\nseed: 7", "its questions are not those that are installed here"),
        ("topics: all", "topics: coffee", "its questions cannot be asked here"),
        ("count: none\nseed: none", "count: 99\nseed: 7", "its questions cannot be asked here"),
        ("wslab quiz certificate", "certificate", "it is not a certificate"),
        ("seed: none", "seed: seven", "it is not a certificate"),
        ("\nseed: none", "", "it is not a certificate"),
        ('["6"]', '["6"', "it is not a certificate"),
        ('["6"]', "[6]", "it is not a certificate"),
        ("name: Ada", "Ada", "it is not a certificate"),
    ],
)
def test_a_certificate_that_was_changed_does_not_hold(before: str, after: str, reason: str) -> None:
    text = str(answered().certificate("Ada"))
    assert before in text
    verification = wslab.verify_certificate(signed(text.replace(before, after)))
    assert not verification and verification.reasons[0].startswith(reason)
    assert repr(verification).startswith("The certificate does not hold:\n- ")


def test_a_changed_name_does_not_fit_the_checksum() -> None:
    text = str(answered().certificate("Ada")).replace("name: Ada", "name: Bob")
    assert wslab.verify_certificate(text).reasons == ("the checksum does not fit: the text was changed",)


@pytest.mark.parametrize("text", ["", "\n", None, 7, "wslab quiz certificate", "checksum: 1"], ids=repr)
def test_what_is_no_certificate_does_not_hold(text: object) -> None:
    assert not wslab.verify_certificate(text)


def test_a_certificate_in_html_is_escaped() -> None:
    assert "name: &lt;i&gt;" in answered().certificate("<i>")._repr_html_()
