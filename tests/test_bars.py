"""A bar shows a share, in both twins."""

import pytest

from wslab.bars import bar_html, bar_text
from wslab.results import Tally

SHARES = [
    (Tally(0, 0), "", None),
    (Tally(0, 7), "..........", 0),
    (Tally(1, 100), "#.........", 1),
    (Tally(1, 1000), "#.........", 1),
    (Tally(5, 10), "#####.....", 50),
    (Tally(99, 100), "#########.", 99),
    (Tally(999, 1000), "#########.", 99),
    (Tally(7, 7), "##########", 100),
]


@pytest.mark.parametrize(("tally", "text", "percent"), SHARES, ids=[str(tally) for tally, *_ in SHARES])
def test_only_all_is_full_and_only_nothing_is_empty(tally: Tally, text: str, percent: int | None) -> None:
    assert bar_text(tally) == text
    shown = bar_html(tally, "checks passed")
    assert shown == "" if percent is None else f"width:{percent}%" in shown


def test_a_screen_reader_hears_what_is_counted_and_nothing_is_markup() -> None:
    shown = bar_html(Tally(2, 4), 'the "<b>"')
    assert 'role="img" aria-label="the &quot;&lt;b&gt;&quot;: 2 of 4"' in shown
    assert " id=" not in shown


def test_only_what_is_good_is_praised_when_it_is_full() -> None:
    colours = [
        "--jp-success-color1" in bar_html(tally, "x", praise=praise)
        for tally in (Tally(1, 1), Tally(1, 2))
        for praise in (True, False)
    ]
    assert colours == [True, False, False, False]
