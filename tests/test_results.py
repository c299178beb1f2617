"""Results are counted by lesson."""

from wslab.results import EXERCISE, QUESTION, LessonTally, Result, Tally, tallies, total

RESULTS = [
    Result("03_echo", QUESTION, "opcode", True),
    Result("02_frames", EXERCISE, "mask", False),
    Result("03_echo", EXERCISE, "echo", True),
    Result("03_echo", EXERCISE, "limit", False),
]


def test_results_are_counted_by_lesson_in_order() -> None:
    assert tallies(RESULTS) == (
        LessonTally("02_frames", Tally(0, 1), Tally(0, 0)),
        LessonTally("03_echo", Tally(1, 2), Tally(1, 1)),
    )


def test_all_lessons_are_counted_together() -> None:
    assert total(RESULTS) == LessonTally("all lessons", Tally(1, 3), Tally(1, 1))
    assert total([]) == LessonTally("all lessons", Tally(0, 0), Tally(0, 0))


def test_none_of_nothing_is_a_dash() -> None:
    assert [str(Tally(0, 0)), str(Tally(0, 3)), str(Tally(3, 3))] == ["-", "0/3", "3/3"]
