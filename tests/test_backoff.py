"""Backoff: bounds that grow to a limit, and delays that fall anywhere below them."""

from __future__ import annotations

import itertools
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.backoff import Backoff
from wslab.errors import WslabError

SOME = 2000


def first(delays: object, count: int = SOME) -> list[float]:
    return list(itertools.islice(delays, count))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("backoff", "bounds"),
    [
        (Backoff(), [0.5, 1, 2, 4, 8, 16, 30, 30]),
        (Backoff(initial_s=1, factor=1), [1, 1, 1]),
        (Backoff(initial_s=0.25, factor=3, max_s=2), [0.25, 0.75, 2, 2]),
        (Backoff(initial_s=5, max_s=5), [5, 5]),
    ],
    ids=["default", "constant", "tripled", "at its limit from the start"],
)
def test_each_bound_is_a_multiple_of_the_last_up_to_the_limit(backoff: Backoff, bounds: list[float]) -> None:
    assert first(backoff.bounds(), len(bounds)) == bounds


def test_without_jitter_each_delay_is_its_bound() -> None:
    backoff = Backoff(jitter=False)
    assert first(backoff.delays()) == first(backoff.bounds())


@given(st.integers(0, 2**32), st.floats(0.001, 10), st.floats(1, 10), st.floats(10, 1000))
def test_every_delay_lies_between_zero_and_its_bound(seed: int, initial_s: float, factor: float, max_s: float) -> None:
    backoff = Backoff(initial_s, factor, max_s, seed=seed)
    pairs = zip(first(backoff.delays(), 50), first(backoff.bounds(), 50), strict=True)
    assert all(0 <= delay_s <= bound_s <= max_s for delay_s, bound_s in pairs)


def test_jitter_uses_the_whole_range_of_every_delay_and_not_of_the_first_alone() -> None:
    shares = [delay_s / 30 for delay_s in first(Backoff(seed=1).delays())[6:]]
    assert min(shares) < 0.01 and max(shares) > 0.99
    assert 0.45 < sum(shares) / len(shares) < 0.55


def test_a_seed_makes_the_delays_repeat_and_none_makes_them_differ() -> None:
    seeded, unseeded = Backoff(seed=7), Backoff()
    assert first(seeded.delays()) == first(seeded.delays())
    assert first(unseeded.delays()) != first(unseeded.delays())


@pytest.mark.parametrize(
    ("name", "number"),
    [
        *[("initial_s", number) for number in (0, 0.0009, -1, nan, inf, "1", None)],
        *[("factor", number) for number in (0.9, -2, nan, inf, None)],
        *[("max_s", number) for number in (0.4, -1, nan, inf, None)],
    ],
)
def test_a_number_that_makes_no_sense_is_refused_at_once(name: str, number: object) -> None:
    with pytest.raises(WslabError, match=rf"^{name} is .*\. Expected: a finite number, at least "):
        Backoff(**{name: number})  # type: ignore[arg-type]


def test_it_shows_what_it_was_made_of() -> None:
    assert repr(Backoff(seed=7)) == "Backoff(initial_s=0.5, factor=2, max_s=30, jitter=True, seed=7)"
