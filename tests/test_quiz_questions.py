"""Files of questions: what they hold, and how a mistake in one is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from quizzes import TEA, tea

import wslab
from wslab.quiz.kinds import Computed, IllegalFrame, Multiple, Number, Output, Single
from wslab.quiz.questions import find_topic, load, load_file

__all__ = ["tea"]

pytestmark = pytest.mark.usefixtures("tea")

FIRST_OPTIONS = TEA[TEA.index("[[question.option]]") : TEA.index('[[question]]\nid = "who-masks"')]
BINARY = '[[question.option]]\ntext = "BINARY"\nfeedback = "Only bytes go as binary."\n'
EXTRA = '[[question.option]]\ntext = "{}"\nfeedback = "No."\n'
# What is changed, the line with the mistake (as it reads after the change), the question, and what is said.
MISTAKES = [
    ('kind = "single"', "kind = 'sinlge'", "kind = 'sinlge'", "opcode-of-hello", "there is no kind 'sinlge'"),
    ('kind = "single"\n', "", "[[question]]", "opcode-of-hello", "the field kind is missing"),
    ('source = "RFC 6455, 5.6"\n', "", "[[question]]", "opcode-of-hello", "the field source is missing"),
    ('source = "RFC 6455, 5.6"', 'source = " "', 'source = " "', "opcode-of-hello", "a text that says nothing"),
    ('source = "RFC 6455, 5.6"', "source = 5.6", "source = 5.6", "opcode-of-hello", "a value of type float"),
    ('id = "who-masks"', 'id = "opcode-of-hello"', 'id = "opcode-of-hello"', "opcode-of-hello", "has this id too"),
    ('id = "who-masks"', 'id = "Who masks"', 'id = "Who masks"', "Who masks", "the id 'Who masks'"),
    ('text = "BINARY"', 'tetx = "BINARY"', 'tetx = "BINARY"', "opcode-of-hello", "option 2: tetx is not a field here"),
    ('text = "BINARY"', "text = 2", "text = 2", "opcode-of-hello", "option 2, text: a value of type int"),
    ('text = "BINARY"', 'text = "TEXT"', 'text = "TEXT"', "opcode-of-hello", "two options say the same"),
    ('text = "BINARY"', 'text = "`BINARY"', 'text = "`BINARY"', "opcode-of-hello", "a backtick without its partner"),
    ('"Only bytes go as binary."', '""', 'feedback = ""', "opcode-of-hello", "a text that says nothing"),
    (BINARY, "", "[[question.option]]", "opcode-of-hello", "2 options"),
    (BINARY, BINARY + "".join(map(EXTRA.format, "xyz")), "[[question.option]]", "opcode-of-hello", "6 options"),
    ("right = true\n", "", "[[question.option]]", "opcode-of-hello", "0 options are right"),
    (BINARY, BINARY + "right = true\n", "[[question.option]]", "opcode-of-hello", "2 options are right"),
    ("masks none.", 'masks none."\nright = true\n#', "[[question.option]]", "who-masks", "3 of 3 options are right"),
    ("answer = 6", "answer = '6'", "answer = '6'", "header-bytes", "answer: a value of type str"),
    ("answer = 6", "answer = 6\ntolerance = -1", "tolerance = -1", "header-bytes", "the tolerance is -1"),
    (
        'value = 2\nfeedback = "The mask',
        'value = 6\nfeedback = "',
        "value = 6",
        "header-bytes",
        "a wrong number that is right",
    ),
    ("answer = 6", "answer = 6\ntolerance = 4", "value = 2", "header-bytes", "a wrong number that is right"),
    (
        'value = 2\nfeedback = "The mask',
        'value = "2"\nfeedback = "',
        'value = "2"',
        "header-bytes",
        "the value '2' is a text",
    ),
    (
        "value = \"['one']\"",
        'value = \'["one",  "two"]\'',
        'value = \'["one",  "two"]\'',
        "what-arrived",
        "that is right",
    ),
    ("value = \"['one']\"", "value = 1", "value = 1", "what-arrived", "the value 1 is a number"),
    ("print(arrived)", "print(arrived", "code = '''", "what-arrived", "the code is not Python"),
    (
        'otherwise = "Read the second line again."\n',
        "",
        "[[question]]",
        "what-arrived",
        "the field otherwise is missing",
    ),
    (
        '"server 8105',
        '"nobody 8105',
        '    "nobody 810548656c6c6f",',
        "who-broke-it",
        "frame 2: the frame is from 'nobody'",
    ),
    ('"server 8105', '"server 81', '    "server 8148656c6c6f",', "who-broke-it", "frame 2: fewer bytes than one frame"),
    (
        '"server 8105',
        '"server 8104',
        '    "server 810448656c6c6f",',
        "who-broke-it",
        "frame 2: more bytes than one frame",
    ),
    ('"server 8105', '"server 8x05', '    "server 8x0548656c6c6f",', "who-broke-it", "is not hex"),
    ('"server 8105', '"server 8305', "answer = 3", "who-broke-it", "illegal by RFC 6455: 2, 3"),
    ('"client 8105', '"server 8105', "answer = 3", "who-broke-it", "illegal by RFC 6455: none"),
    ("answer = 3", "answer = 2", "answer = 2", "who-broke-it", "the answer is frame 2"),
    ('section = "5.1"', 'section = "5.5"', 'section = "5.5"', "who-broke-it", "the section '5.5'"),
    (
        'value = 2\nfeedback = "A server',
        'value = 3\nfeedback = "',
        "[[question.near]]",
        "who-broke-it",
        "not one near for every",
    ),
    ('computed = "framing_bytes"', 'computed = "x"', 'computed = "x"', "your-framing", "there is no function 'x'"),
]


def written(folder: Path, text: str) -> Path:
    path = folder / "01_tea.toml"
    path.write_text(text, encoding="utf-8")
    return path


def mistake(path: Path) -> wslab.QuestionError:
    with pytest.raises(wslab.QuestionError) as caught:
        load_file(path)
    return caught.value


def test_the_kinds_are_loaded_in_the_order_of_the_file() -> None:
    (questions,) = load("tea").values()
    assert [type(each) for each in questions] == [Single, Multiple, Number, Output, IllegalFrame, Computed, Computed]
    assert list(load()) == ["01_tea"] and find_topic("tea") == "01_tea"


@pytest.mark.parametrize(
    ("before", "after", "line", "question", "says"), MISTAKES, ids=[f"{n}-{case[4]}" for n, case in enumerate(MISTAKES)]
)
def test_a_mistake_is_told_with_its_line_and_its_question(
    tmp_path: Path, before: str, after: str, line: str, question: str, says: str
) -> None:
    assert before in TEA
    text = TEA.replace(before, after, 1)
    error = mistake(written(tmp_path, text))
    assert says in error.happened
    assert text.splitlines()[error.line - 1].startswith(line)
    assert error.question == question
    assert str(error).startswith(f"01_tea.toml, line {error.line}, question {question!r}: ")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (TEA + "x = = 1\n", TEA.count("\n") + 1, "Invalid value"),
        (TEA + "x = '''never ends\n\n", TEA.count("\n") + 2, "end of document"),
        ("title = 'Tea'\n" + TEA, 1, "'title' is not known here"),
        ("# Tea\n[question]\nid = 'one'\n", 2, "question is not a list"),
        ("", 1, "0 questions"),
        (TEA.replace("checkpoint = true\n", "", 1), 1, "2 questions have checkpoint = true"),
        (TEA[: TEA.index('[[question]]\nid = "what-arrived"')], 1, "3 questions"),
        ("# Tea\nquestion = [1]\n", 1, "a value of type int"),
    ],
)
def test_a_mistake_of_the_whole_file_is_told(tmp_path: Path, text: str, line: int, says: str) -> None:
    error = mistake(written(tmp_path, text))
    assert says in error.happened and error.line == line and error.question == ""


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    path.write_bytes(TEA.encode().replace(b"Only bytes", b"Only \xff"))
    error = mistake(path)
    assert error.line == TEA[: TEA.index("Only bytes")].count("\n") + 1 and "not UTF-8" in error.happened


def test_what_looks_like_a_question_inside_of_a_text_is_none(tmp_path: Path) -> None:
    decoy = "code = '''\n[[question]]\nsource = 1\n''' # [[question]]\n"
    text = TEA.replace('source = "RFC 6455, 5.6"', decoy + 'source = ""', 1)
    error = mistake(written(tmp_path, text))
    assert text.splitlines()[error.line - 1] == 'source = ""'


@pytest.mark.parametrize("cut", range(0, TEA.index("who-broke-it"), 97))
def test_a_file_that_was_cut_off_is_a_mistake_in_a_line_that_it_has(tmp_path: Path, cut: int) -> None:
    text = TEA[:cut]
    line = mistake(written(tmp_path, text)).line
    assert 1 <= line <= len(text.splitlines()) + 1
