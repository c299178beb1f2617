"""The cursor: what passes it is each id once, in order, with every hole named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab.cursor import Cursor
from wslab.errors import FeedError
from wslab.feed_format import Gap, Granted, Message, Wanted

Item = Message | Gap
ITEMS = st.lists(
    st.builds(Message, st.integers(1, 12), st.none())
    | st.builds(lambda one, more: Gap(one, one + more), st.integers(1, 12), st.integers(0, 5)),
    max_size=30,
)


def test_a_new_cursor_wants_what_comes_from_now_on() -> None:
    assert Cursor().wanted() == Wanted(None, None)


def test_a_cursor_begins_where_the_first_answer_says() -> None:
    cursor = Cursor()
    assert cursor.start(Granted("s", 41)) is None
    assert cursor.wanted() == Wanted("s", 41)
    assert cursor.advance(Message(42, "x")) == Message(42, "x")


def test_the_same_place_again_has_no_gap_before_it() -> None:
    assert Cursor("s", 17).start(Granted("s", 17)) is None


@pytest.mark.parametrize(
    ("granted", "gap", "last_id"),
    [
        (Granted("s", 30, Gap(18, 30)), Gap(18, 30), 30),
        (Granted("s", 30, Gap(1, 30)), Gap(18, 30), 30),
        (Granted("t", 0, Gap(18, None)), Gap(18, None), 0),
        (Granted("s", 0, Gap(18, None)), Gap(18, None), 0),
    ],
    ids=["older than the history", "more than was asked for", "another stream", "a stream that never came so far"],
)
def test_what_the_feed_cannot_bring_is_a_gap_after_the_last_id(granted: Granted, gap: Gap, last_id: int) -> None:
    cursor = Cursor("s", 17)
    assert cursor.start(granted) == gap
    assert cursor.wanted() == Wanted(granted.stream, last_id)


def test_an_id_alone_belongs_to_whatever_stream_the_feed_has() -> None:
    cursor = Cursor(None, 17)
    assert cursor.start(Granted("s", 17)) is None
    assert cursor.stream == "s"


@pytest.mark.parametrize(
    "granted",
    [
        Granted("s", 16),
        Granted("s", 18),
        Granted("t", 17),
        Granted("t", 30, Gap(18, 30)),
        Granted("s", 30, Gap(19, 30)),
        Granted("s", 31, Gap(18, 30)),
        Granted("s", 16, Gap(10, 16)),
        Granted("t", 5, Gap(18, None)),
    ],
    ids=[
        "earlier",
        "later",
        "another stream without a word",
        "a gap in another stream",
        "a gap that begins too late",
        "a gap that ends too early",
        "a gap before what was asked for",
        "another stream that does not begin at its beginning",
    ],
)
def test_an_answer_that_would_lose_something_or_bring_it_twice_is_refused(granted: Granted) -> None:
    cursor = Cursor("s", 17)
    with pytest.raises(FeedError, match="does not answer"):
        cursor.start(granted)
    assert cursor.wanted() == Wanted("s", 17)


@pytest.mark.parametrize(
    ("item", "new"),
    [
        (Message(18, "x"), Message(18, "x")),
        (Message(17, "x"), None),
        (Message(1, "x"), None),
        (Gap(18, 20), Gap(18, 20)),
        (Gap(10, 20), Gap(18, 20)),
        (Gap(10, 17), None),
    ],
    ids=["next", "again", "long past", "next gap", "gap that is partly known", "gap that is known"],
)
def test_only_what_is_new_passes(item: Item, new: Item | None) -> None:
    assert Cursor("s", 17).advance(item) == new


@pytest.mark.parametrize("item", [Message(19, "x"), Gap(19, 20), Gap(18, None)], ids=repr)
def test_a_jump_is_refused_and_changes_nothing(item: Item) -> None:
    cursor = Cursor("s", 17)
    with pytest.raises(FeedError, match=r"^the ids jump from 17 to "):
        cursor.advance(item)
    assert cursor.last_id == 17


@given(ITEMS)
def test_whatever_comes_what_passes_is_each_id_once_and_in_order(items: list[Item]) -> None:
    cursor, covered = Cursor("s", 0), []
    for item in items:
        try:
            new = cursor.advance(item)
        except FeedError:
            continue
        covered += [new.id] if isinstance(new, Message) else range(new.first, (new.last or 0) + 1) if new else []
    assert covered == list(range(1, len(covered) + 1))
    assert cursor.last_id == len(covered)
