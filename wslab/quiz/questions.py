"""Own the files of questions, one a topic: how they are found, read and checked."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from ..errors import QuestionError, QuizError
from .kinds import Question
from .question_rules import complaints_about_file
from .source_lines import line_of, syntax_error_line

__all__ = ["find_topic", "load", "load_file", "topics"]

FOLDER = Path(__file__).parent.parent / "questions"


def topics() -> tuple[str, ...]:
    """Name the topics that have questions, in the order of the lessons, without reading any."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def find_topic(name: object) -> str:
    """Give a topic's full name.

    Args:
        name: With or without its number, such as "broadcast" or "04_broadcast".

    Raises:
        QuizError: There is no such topic.
    """
    known = topics()
    found = [topic for topic in known if name in (topic, topic.partition("_")[2])]
    if len(found) != 1:
        raise QuizError(f"there are no questions on {name!r}", f"one of {', '.join(known) or 'none: no file is there'}")
    return found[0]


def load(*names: str) -> dict[str, tuple[Question, ...]]:
    """Load the questions of some topics, or of all, in the order in which they stand in their files.

    Args:
        names: Topics, with or without their numbers; none means all.

    Returns:
        The questions by the topic's full name.

    Raises:
        QuizError: There is no such topic.
        QuestionError: A file has a mistake; the error says in which line, and what was expected.
    """
    wanted = dict.fromkeys(map(find_topic, names)) if names else topics()
    return {topic: load_file(FOLDER / f"{topic}.toml") for topic in wanted}


def load_file(path: Path) -> tuple[Question, ...]:
    """Load and check one file of questions.

    Raises:
        QuestionError: The file has a mistake.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tables = _tables(path.name, text)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise QuestionError(path.name, line, "", "a byte that is not UTF-8", "a text in UTF-8") from None
    questions = tuple(_convert(path.name, text, number, table) for number, table in enumerate(tables))
    for complaint in complaints_about_file(questions):
        question = questions[complaint.number].id if complaint.number is not None else ""
        line = line_of(text, complaint.number, complaint.part)
        raise QuestionError(path.name, line, question, complaint.happened, complaint.expected)
    return questions


def _tables(file: str, text: str) -> list[Any]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise QuestionError(file, syntax_error_line(str(error), text), "", str(error), "TOML") from None
    tables = document.pop("question", [])
    for key in document:
        line = line_of(text, None, key)
        raise QuestionError(file, line, "", f"{key!r} is not known here", "tables named [[question]] only")
    if not isinstance(tables, list):
        line = line_of(text, None, "question")
        raise QuestionError(file, line, "", "question is not a list of tables", "[[question]], in two brackets")
    return tables


def _convert(file: str, text: str, number: int, table: Any) -> Question:
    try:
        question: Question = msgspec.convert(table, type=Question)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        part = path.strip("`.")
        name = table.get("id", "") if isinstance(table, dict) else ""
        happened, expected, part = _in_words(message, part)
        raise QuestionError(file, line_of(text, number, part), str(name), happened, expected) from None
    return question


def _in_words(message: str, part: str) -> tuple[str, str, str]:
    """Say what msgspec complains of; give the part to point at with it."""
    words = [word for index, word in enumerate(message.split("`")) if index % 2]
    where = f"{_shown(part)}: " if part else ""
    if message.startswith("Object missing"):
        return f"{where}the field {words[0]} is missing", f"a line {words[0]} = ...", part
    if message.startswith("Object contains unknown"):
        inner = f"{part}.{words[0]}" if part else words[0]
        return f"{where}{words[0]} is not a field here", "the fields of this kind only", inner
    if message.startswith("Expected") and len(words) == 2:
        return f"{where}a value of type {words[1]}", f"one of type {words[0]}", part
    if part == "kind":
        kinds = "single, multiple, number, output, illegal-frame or computed"
        return f"{message.replace('Invalid value', 'there is no kind')}", kinds, part
    return f"{where}{message}", "", part


def _shown(part: str) -> str:
    """Name a part as people count: option[1].text is "option 2, text"."""
    name, bracket, rest = part.partition("[")
    if not bracket:
        return name
    index, _, field = rest.partition("]")
    return f"{name} {int(index) + 1}" + (f", {field[1:]}" if field else "")
