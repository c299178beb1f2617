"""The questions that wslab brings: where they are there, they keep the rules and lead to headings that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import wslab
from wslab import exercises
from wslab.quiz import questions
from wslab.quiz.kinds import Question

ROOT = Path(__file__).resolve().parent.parent
LESSONS = {path.stem: path for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))}
TOPICS = questions.topics()
HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(not TOPICS, reason="no questions are there")


def headings(lesson: Path) -> set[str]:
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return {heading.replace("`", "") for text in prose for heading in HEADING.findall(FENCED.sub("", text))}


def shipped(topic: str) -> tuple[Question, ...]:
    return questions.load(topic)[topic]


@pytest.mark.parametrize("topic", TOPICS)
def test_a_file_of_questions_is_without_mistakes(topic: str) -> None:
    assert len(shipped(topic)) >= 4


@pytest.mark.parametrize("topic", [topic for topic in TOPICS if topic in LESSONS])
def test_every_question_leads_to_a_heading_of_its_lesson(topic: str) -> None:
    known = headings(LESSONS[topic])
    assert [question.id for question in shipped(topic) if question.read.replace("`", "") not in known] == []


@pytest.mark.parametrize("topic", TOPICS)
def test_a_checkpoint_can_be_asked_and_certified(topic: str) -> None:
    quiz = wslab.quiz(topic)
    assert 3 <= len(quiz) <= 5
    assert wslab.verify_certificate(quiz.certificate("Ada Lovelace"))


def test_the_options_of_a_draw_stand_at_other_places_than_in_the_file() -> None:
    orders = [item.order for item in wslab.quiz(seed=1).items if item.options]
    assert any(order != tuple(sorted(order)) for order in orders)


def test_questions_and_page_are_part_of_the_package() -> None:
    inside = {path.relative_to(ROOT / "wslab").parts[0] for path in (ROOT / "wslab").rglob("*.toml")}
    assert "questions" in inside and questions.FOLDER == ROOT / "wslab" / "questions"


def test_there_are_enough_questions_and_exercises() -> None:
    assert sum(map(len, questions.load().values())) >= 60
    assert len(exercises.load()) >= 20
