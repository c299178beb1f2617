"""The log of a chaos run: what it selects and shows."""

from __future__ import annotations

from wslab.chaos_log import ChaosLog, Strike
from wslab.faults import Down, ResetPeer

LOG = ChaosLog(
    7,
    [
        Strike(ResetPeer(), "upstream", held_s=0.01, recovery_s=0.02),
        Strike(Down(), "downstream", held_s=0.03, recovery_s=0.05),
        Strike(ResetPeer(0.5), "downstream", held_s=0.02, recovery_s=0.09),
        Strike(ResetPeer(), "upstream", held_s=0.04, recovery_s=0.03),
    ],
)


def test_it_is_a_sequence_of_strikes() -> None:
    assert (len(LOG), LOG[1].fault, [strike.stream for strike in LOG[2:]]) == (4, Down(), ["downstream", "upstream"])


def test_strikes_of_one_kind_are_selected_whatever_their_parameters() -> None:
    assert LOG.of("reset_peer").recoveries_s == (0.02, 0.09, 0.03)
    assert len(LOG.of("latency")) == 0


def test_the_table_shows_median_and_worst_of_each_kind_in_milliseconds() -> None:
    assert LOG.table().rows == (("down", 1, 30.0, 50.0, 50.0), ("reset_peer", 3, 20.0, 30.0, 90.0))


def test_an_empty_log_has_an_empty_table() -> None:
    assert ChaosLog(0).table().rows == ()


def test_it_shows_its_seed_and_nothing_that_varies() -> None:
    assert repr(LOG) == "<wslab chaos log of seed 7, 4 strikes>"
    assert repr(LOG[:1]) == "<wslab chaos log of seed 7, 1 strike>"
