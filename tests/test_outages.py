"""Outages: failures in a row wait longer and longer and come to an end, and one arrival starts over."""

from __future__ import annotations

from wslab.backoff import Backoff
from wslab.outages import MOST_KEPT, Outage, Outages

STEADY = Backoff(initial_s=1, factor=2, max_s=8, jitter=False)


def fail(outages: Outages, times: int, now_s: float = 0) -> list[int]:
    """Begin an attempt and lose it, several times."""
    given_up = []
    for _ in range(times):
        outages.attempt()
        given_up.append(outages.lost("refused", now_s))
    return given_up


def test_each_failure_waits_longer_than_the_last() -> None:
    outages = Outages(STEADY, None)
    fail(outages, 6)
    assert list(outages.delays_s) == [1, 2, 4, 8, 8, 8]


def test_the_next_attempt_is_due_a_delay_after_the_loss() -> None:
    outages = Outages(STEADY, None)
    assert outages.due_s == 0
    outages.lost("gone", now_s=100)
    assert outages.due_s == 101


def test_a_connection_that_dies_before_a_message_does_not_shorten_the_delays() -> None:
    outages = Outages(STEADY, None)
    for now_s in range(4):
        outages.attempt()
        outages.opened(now_s)
        outages.lost("gone", now_s)
    assert list(outages.delays_s) == [1, 2, 4, 8]


def test_a_message_starts_the_delays_over() -> None:
    outages = Outages(STEADY, None)
    fail(outages, 3)
    outages.calm()
    fail(outages, 2)
    assert list(outages.delays_s) == [1, 2, 4, 1, 2]


def test_a_quiet_connection_that_lasted_longer_than_the_longest_delay_starts_them_over_too() -> None:
    outages = Outages(STEADY, max_attempts=3)
    for began_s, lasted_s in ((0, 8), (100, 8), (200, 9), (300, 9), (400, 9)):
        outages.attempt()
        outages.opened(began_s)
        assert not outages.lost("gone", began_s + lasted_s)
    assert list(outages.delays_s) == [1, 2, 1, 1, 1]


def test_the_attempts_after_a_connection_that_lasted_wait_longer_and_longer() -> None:
    outages = Outages(STEADY, max_attempts=3)
    outages.opened(0)
    assert not outages.lost("gone", now_s=100)
    assert fail(outages, 3, now_s=120) == [0, 0, 3]
    assert list(outages.delays_s) == [1, 2, 4, 8]


def test_too_many_failures_in_a_row_are_counted_and_then_all_starts_over() -> None:
    assert fail(Outages(STEADY, 3), 7) == [0, 0, 3, 0, 0, 3, 0]


def test_without_a_limit_nothing_is_too_much() -> None:
    assert not any(fail(Outages(STEADY, None), 500))


def test_an_outage_lasts_from_the_first_failure_to_the_next_connection() -> None:
    outages = Outages(STEADY, None)
    outages.opened(0)
    outages.calm()
    outages.lost("reset", now_s=10)
    outages.lost("refused", now_s=11)
    outages.opened(12.5)
    outages.lost("closed", now_s=20)
    outages.opened(21)
    assert list(outages.past) == [Outage("reset", 2.5), Outage("closed", 1)]


def test_a_first_connection_at_the_first_attempt_is_no_outage() -> None:
    outages = Outages(STEADY, None)
    outages.attempt()
    outages.opened(5)
    assert not outages.past


def test_only_the_newest_are_remembered() -> None:
    outages = Outages(STEADY, None)
    for now_s in range(MOST_KEPT + 5):
        outages.lost("gone", now_s)
        outages.opened(now_s)
    assert len(outages.past) == len(outages.delays_s) == MOST_KEPT
