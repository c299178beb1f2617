"""Paces: the size of each piece and when it may pass, without any clock."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.faults import Bandwidth, Latency, Slicer, SlowClose
from wslab.pacing import Pace, pace_of

Came = list[tuple[float, int]]
FAULTS = st.one_of(
    st.builds(Latency, st.floats(0, 1), st.floats(0, 1)),
    st.builds(Bandwidth, st.floats(1, 1e6)),
    st.integers(1, 50).flatmap(
        lambda size: st.builds(Slicer, st.just(size), st.integers(0, size - 1), st.floats(0, 1))
    ),
    st.builds(SlowClose, st.floats(0, 1)),
)


def passed(pace: Pace, came: Came) -> list[tuple[int, float]]:
    """Let what came pass, an ending being 0 bytes; give the size of each piece and when it is due."""
    pieces = []
    for came_s, size_bytes in came:
        left_bytes = size_bytes
        while left_bytes or not size_bytes:
            piece = pace.piece(came_s, left_bytes)
            pieces.append((piece.size_bytes, round(piece.due_s, 6)))
            left_bytes -= piece.size_bytes
            if not size_bytes:
                break
    return pieces


PACES = {
    "latency counts from when each piece came": (Latency(2), [(0, 5), (1, 6), (1.5, 0)], [(5, 2), (6, 3), (0, 3.5)]),
    "latency of nothing": (Latency(0), [(3, 5)], [(5, 3)]),
    "bandwidth takes 20 ms at a time": (Bandwidth(100), [(0, 5)], [(2, 0.02), (2, 0.04), (1, 0.05)]),
    "bandwidth goes on where it stopped": (Bandwidth(100), [(0, 2), (0, 2)], [(2, 0.02), (2, 0.04)]),
    "bandwidth saves nothing up": (Bandwidth(100), [(0, 2), (9, 2)], [(2, 0.02), (2, 9.02)]),
    "bandwidth lets one byte pass at least": (Bandwidth(0.5), [(0, 2)], [(1, 2), (1, 4)]),
    "the end waits behind what a bandwidth holds": (Bandwidth(100), [(0, 2), (0, 0)], [(2, 0.02), (0, 0.02)]),
    "a slicer cuts": (Slicer(2), [(0, 5)], [(2, 0), (2, 0), (1, 0)]),
    "a slicer waits after each piece": (Slicer(2, delay_s=1), [(7, 5)], [(2, 7), (2, 8), (1, 9)]),
    "a slicer waits before the end too": (Slicer(2, delay_s=1), [(0, 2), (0, 0)], [(2, 0), (0, 1)]),
    "a slicer goes on in the middle of a piece": (Slicer(4), [(0, 3), (0, 3)], [(3, 0), (1, 0), (2, 0)]),
    "slow_close delays the end alone": (SlowClose(2), [(0, 5), (1, 0)], [(5, 0), (0, 3)]),
}


@pytest.mark.parametrize(("fault", "came", "expected"), PACES.values(), ids=PACES.keys())
def test_pieces_and_their_times(
    fault: Latency | Bandwidth | Slicer | SlowClose, came: Came, expected: list[tuple[int, float]]
) -> None:
    assert passed(pace_of(fault, Random(1)), came) == expected


@given(FAULTS, st.lists(st.tuples(st.floats(0, 9), st.integers(1, 200)), max_size=8), st.integers())
def test_every_byte_passes_in_order_and_none_before_it_came(
    fault: Latency | Bandwidth | Slicer | SlowClose, came: Came, seed: int
) -> None:
    came.sort()
    pieces = passed(pace_of(fault, Random(seed)), came)
    assert sum(size for size, _ in pieces) == sum(size for _, size in came)
    assert all(size > 0 for size, _ in pieces)
    dues = [due for _, due in pieces]
    assert dues == sorted(dues)
    for (begin_s, _), size_passed in zip(
        came, itertools.accumulate((size for _, size in came), initial=0), strict=False
    ):
        first = next(due for (_, due), done in zip(pieces, _ends(pieces), strict=True) if done > size_passed)
        assert first >= round(begin_s, 6)


def _ends(pieces: list[tuple[int, float]]) -> list[int]:
    return list(itertools.accumulate(size for size, _ in pieces))


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_delay_stays_within_its_jitter(latency_s: float, jitter_s: float) -> None:
    ((_, due_s),) = passed(pace_of(Latency(latency_s, jitter_s), Random(1)), [(5, 1)])
    assert max(5, 5 + latency_s - jitter_s) - 1e-6 <= due_s <= 5 + latency_s + jitter_s + 1e-6


def test_slices_vary_within_their_variation_and_depend_on_the_seed() -> None:
    def sizes(seed: int) -> list[int]:
        return [size for size, _ in passed(pace_of(Slicer(10, 4), Random(seed)), [(0, 2000)])][:-1]

    assert set(sizes(1)) == set(range(6, 15))
    assert sizes(1) == sizes(1) != sizes(2)


def test_slices_end_at_the_same_bytes_however_the_data_comes() -> None:
    def cuts(came: Came) -> set[int]:
        return set(_ends(passed(pace_of(Slicer(10, 4), Random(1)), came)))

    assert cuts([(0, 500)]) <= cuts([(0, 7)] * 70 + [(0, 10)])
