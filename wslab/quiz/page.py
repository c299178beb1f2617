"""Own what the page of a quiz is told: what is asked, and what came of the answers; the key to no open question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .feedback import Feedback
from .frame_tape import tape_text
from .grading import Item
from .kinds import IllegalFrame, Number
from .twin import how_to_answer

if TYPE_CHECKING:
    from .quiz import Quiz

__all__ = ["asked", "given"]


def asked(quiz: Quiz) -> dict[str, Any]:
    """Tell what does not change: the title and the questions with their options, without what is right."""
    return {"title": f"Quiz: {quiz.plan.title}", "questions": [_asked(item) for item in quiz.items]}


def given(quiz: Quiz) -> dict[str, Any]:
    """Tell what came of the answers so far: feedback on what was chosen, the score, and at the end the report."""
    report = quiz.report()
    over = report.score.finished == report.score.questions
    return {
        "questions": [_given(quiz.feedback(number), tries) for number, tries in enumerate(quiz.answers, 1)],
        "score": repr(report.score),
        "finished": over,
        "topics": [[topic, repr(score)] for topic, score in report.topics.items()] if over else [],
        "readAgain": [_link(link, words) for link, words in report.read_again.items()] if over else [],
    }


def _asked(item: Item) -> dict[str, Any]:
    question = item.question
    frames = question.frames if isinstance(question, IllegalFrame) else ()
    return {
        "topic": item.topic,
        "kind": question.__struct_config__.tag,
        "text": question.text,
        "how": how_to_answer(item),
        "code": question.code.strip("\n"),
        "tape": tape_text(frames) if frames else "",
        "frames": len(frames),
        "unit": question.unit if isinstance(question, Number) else "",
        "options": [[letter, option.text] for letter, option in item.options.items()],
    }


def _given(feedback: Feedback | None, tries: tuple[str, ...]) -> dict[str, Any]:
    if feedback is None:
        return {"answers": [], "finished": False}
    return {
        "answers": list(tries),
        "finished": not feedback.tries_left,
        "right": feedback.right,
        "verdict": feedback.verdict,
        "notes": [list(note) for note in feedback.notes],
        "source": feedback.source,
        "read": _link(feedback.read, feedback.heading) if feedback.read else None,
    }


def _link(link: str, words: str) -> dict[str, str]:
    path, _, anchor = link.partition("#")
    return {"href": link, "path": path, "anchor": f"#{anchor}", "words": words}
