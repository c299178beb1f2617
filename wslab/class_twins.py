"""Own the twins of a class's progress: the same tables as text and as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from .bars import bar_html, bar_text
from .redaction import visible
from .results import LessonTally, Tally
from .table import Table

if TYPE_CHECKING:
    from .class_progress import ClassProgress, Learner

__all__ = ["class_html", "class_text"]

MOST_LEARNERS = 200
MOST_LESSONS = 30
MOST_EXERCISES = 10
MOST_FILES = 100

_LEGEND = "checks passed, then questions answered right"
_NOT_PASSED = "Least passed exercises"
_LINE = "1px solid var(--jp-border-color1, #8a8a8a)"
_TABLE = "border-collapse:collapse;margin:0 0 14px;font-size:13px;color:inherit"
# JupyterLab stripes rows and aligns cells to the right.
_TR = '<tr style="background:transparent">'
_CELL = (
    "text-align:left;vertical-align:top;padding:4px 16px 4px 0;white-space:nowrap;color:inherit;"
    f"background:transparent;border:none;border-bottom:{_LINE}"
)
_HEAD = f"{_CELL};font-weight:normal"
# The name stays in sight when many lessons make the table scroll.
_STICKY = f"{_HEAD};position:sticky;left:0;background:var(--jp-layout-color0, Canvas)"
_CAPTION = "text-align:left;padding:0 0 4px;color:inherit;font-weight:bold;caption-side:top"
_LIST = "margin:0 0 14px;font-size:13px"
_FIGURES = "display:inline-block;min-width:6ch;font-variant-numeric:tabular-nums"


def class_text(shown: ClassProgress) -> str:
    """Show a class as tables of text."""
    parts = [repr(Table(*_text_table(shown), _title(shown)))] if shown.learners else [_title(shown)]
    if shown.not_passed:
        parts.append(repr(Table(["lesson", "exercise", "have not passed", ""], _not_passed(shown), _NOT_PASSED)))
    return "\n\n".join([*parts, *("\n".join([title, *lines]) for title, lines in _lists(shown))])


def class_html(shown: ClassProgress) -> str:
    """Show a class as tables of HTML, with bars."""
    parts = [_learners_html(shown)] if shown.learners else [f"<p>{html.escape(_title(shown))}</p>"]
    if shown.not_passed:
        parts.append(_not_passed_html(shown))
    parts += [_list_html(title, lines) for title, lines in _lists(shown)]
    # A wide table scrolls, with the keyboard too.
    return f'<div role="region" aria-label="Class progress" tabindex="0" style="overflow-x:auto">{"".join(parts)}</div>'


def _title(shown: ClassProgress) -> str:
    count = len(shown.learners)
    return f"{count} learner{'' if count == 1 else 's'}" + (f": {_LEGEND}" if count else "")


def _text_table(shown: ClassProgress) -> tuple[list[str], list[tuple[str, ...]]]:
    learners, lessons = shown.learners[:MOST_LEARNERS], shown.lessons[:MOST_LESSONS]
    names = [learner.name for learner in learners]
    sums = _pairs([learner.total for learner in learners])
    bars = [bar_text(_together(learner.total)) for learner in learners]
    columns = [_pairs([_by_lesson(learner).get(lesson) for learner in learners]) for lesson in lessons]
    return ["learner", "all lessons", "", *map(visible, lessons)], list(zip(names, sums, bars, *columns, strict=True))


def _by_lesson(learner: Learner) -> dict[str, LessonTally]:
    return {tally.lesson: tally for tally in learner.lessons}


def _pairs(column: Sequence[LessonTally | None]) -> list[str]:
    width = max((len(str(tally.checks)) for tally in column if tally), default=0)
    return [f"{tally.checks!s:{width}}  {tally.questions}" if tally else "-" for tally in column]


def _together(tally: LessonTally) -> Tally:
    return Tally(tally.checks.done + tally.questions.done, tally.checks.total + tally.questions.total)


def _not_passed(shown: ClassProgress) -> list[list[str]]:
    return [
        [visible(one.lesson), visible(one.id), f"{one.missing.done} of {one.missing.total}", bar_text(one.missing)]
        for one in shown.not_passed[:MOST_EXERCISES]
    ]


def _lists(shown: ClassProgress) -> Iterator[tuple[str, list[str]]]:
    """Give what has to be said beside the tables, each as a title and lines."""
    older = [f"{one.name}: {one.file}, not {', '.join(one.older)}" for one in shown.learners if one.older]
    unread = [f"{file}: {reason}" for file, reason in shown.unread]
    cut = [
        *_left_out(shown.learners, MOST_LEARNERS, "learners"),
        *_left_out(shown.lessons, MOST_LESSONS, "lessons"),
        *_left_out(shown.not_passed, MOST_EXERCISES, "exercises that some have not passed"),
    ]
    for title, lines in (
        ("Several exports of one name: the newest counts", older),
        ("Not read", unread),
        ("Not shown, but held", cut),
    ):
        if lines:
            yield title, [*lines[:MOST_FILES], *_left_out(lines, MOST_FILES, "files")]


def _left_out(everything: Sequence[object], most: int, noun: str) -> list[str]:
    return [f"{len(everything) - most} more {noun}"] if len(everything) > most else []


def _learners_html(shown: ClassProgress) -> str:
    lessons = shown.lessons[:MOST_LESSONS]
    heads = _heads_html(["learner", "all lessons", *lessons])
    rows = "".join(_learner_html(learner, lessons) for learner in shown.learners[:MOST_LEARNERS])
    return _table_html(_title(shown), heads, rows)


def _learner_html(learner: Learner, lessons: Sequence[str]) -> str:
    of = _by_lesson(learner)
    cells = "".join(f'<td style="{_CELL}">{_pair_html(of.get(lesson))}</td>' for lesson in lessons)
    whole = f'<td style="{_CELL}">{_pair_html(learner.total)}</td>'
    return f'{_TR}<th scope="row" style="{_STICKY}">{html.escape(learner.name)}</th>{whole}{cells}</tr>'


def _pair_html(tally: LessonTally | None) -> str:
    if tally is None:
        return "-"
    checks = _bar_html(tally.checks, "checks passed")
    return f"<div>{checks}</div><div>{_bar_html(tally.questions, 'questions answered right')}</div>"


def _bar_html(tally: Tally, label: str) -> str:
    return f'<span style="{_FIGURES}">{tally}</span>{bar_html(tally, label, "5em")}'


def _not_passed_html(shown: ClassProgress) -> str:
    heads = _heads_html(["lesson", "exercise", "have not passed"])
    rows = "".join(
        f'{_TR}<td style="{_CELL}">{html.escape(visible(one.lesson))}</td>'
        f'<th scope="row" style="{_HEAD}">{html.escape(visible(one.id))}</th>'
        f'<td style="{_CELL}"><span style="{_FIGURES}">{one.missing.done} of {one.missing.total}</span> '
        f"{bar_html(one.missing, 'learners who have not passed', praise=False)}</td></tr>"
        for one in shown.not_passed[:MOST_EXERCISES]
    )
    return _table_html(_NOT_PASSED, heads, rows)


def _heads_html(heads: Iterable[str]) -> str:
    return "".join(
        f'<th scope="col" style="{_CELL};font-weight:bold">{html.escape(visible(head))}</th>' for head in heads
    )


def _table_html(caption: str, heads: str, rows: str) -> str:
    return (
        f'<table style="{_TABLE}"><caption style="{_CAPTION}">{html.escape(caption)}</caption>'
        f'<thead style="border:none">{_TR}{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _list_html(title: str, lines: Iterable[str]) -> str:
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f'<div style="font-size:13px"><strong>{html.escape(title)}</strong><ul style="{_LIST}">{items}</ul></div>'
