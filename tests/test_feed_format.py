"""The wire format of a feed: what is encoded parses to the same, and nothing else parses."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslab import feed_format
from wslab.errors import FeedError
from wslab.feed_format import (
    MOST_ID,
    Gap,
    Granted,
    Message,
    Wanted,
    encode_data,
    encode_gap,
    encode_granted,
    encode_message,
    encode_wanted,
    parse_granted,
    parse_item,
    parse_wanted,
)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
IDS = st.integers(1, MOST_ID)
BIG = [str(MOST_ID + 1), "9" * 200, "9" * 4300]  # the last one is as long as Python parses

# What no message of a feed may be, whoever sends it.
NOT_OBJECTS = [b'{"id": 1, "data": 2}', "", "hello", "[1]", "null", "17", '"id"', "{", "[" * 100_000, "1" * 5000]


@given(IDS, JSON)
def test_whatever_json_can_say_comes_back_with_its_number(number: int, data: Any) -> None:
    assert parse_item(encode_message(number, encode_data(data))) == Message(number, data)


@pytest.mark.parametrize("data", ["\ud800", "\x00", "\u2028", "é", "\U0001f600"], ids=ascii)
def test_any_text_can_be_sent_as_utf_8(data: str) -> None:
    encoded = encode_message(1, encode_data(data))
    assert parse_item(encoded.encode().decode()) == Message(1, data)


@given(IDS, IDS)
def test_a_gap_comes_back(one: int, other: int) -> None:
    gap = Gap(*sorted((one, other)))
    assert parse_item(encode_gap(gap)) == gap


@given(st.none() | st.text(), st.none() | st.integers(0, MOST_ID))
def test_what_is_wanted_comes_back(stream: str | None, after: int | None) -> None:
    assert parse_wanted(encode_wanted(Wanted(stream, after))) == Wanted(stream, after)


@pytest.mark.parametrize("gap", [None, Gap(18, 30), Gap(18, 18), Gap(18, None)])
def test_what_is_granted_comes_back(gap: Gap | None) -> None:
    granted = Granted("7f3a", 30, gap)
    assert parse_granted(encode_granted(granted)) == granted
    assert ("gap" in json.loads(encode_granted(granted))) is (gap is not None)


def deep() -> list[Any]:
    nest: list[Any] = []
    for _ in range(100_000):
        nest = [nest]
    return nest


@pytest.mark.parametrize(
    "data",
    [b"bytes", {1, 2}, object(), math.nan, [math.inf], {(1, 2): 3}, deep()],
    ids=["bytes", "set", "object", "nan", "infinity", "tuple as a key", "too deep"],
)
def test_what_json_cannot_say_is_refused(data: object) -> None:
    with pytest.raises(FeedError, match=r"^what is published is not JSON: "):
        encode_data(data)


@pytest.mark.parametrize("message", NOT_OBJECTS, ids=lambda message: repr(message[:12]))
@pytest.mark.parametrize("parse", [parse_wanted, parse_granted, parse_item])
def test_what_is_no_object_in_a_text_message_is_refused(parse: Any, message: str | bytes) -> None:
    with pytest.raises(FeedError, match=r"does not belong to a feed\. Expected: ") as caught:
        parse(message)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ('{"stream": null, "after": null}', Wanted(None, None)),
        ('{"stream": null, "after": 0}', Wanted(None, 0)),
        ('{"stream": "7f3a…", "after": 17}', Wanted("7f3a…", 17)),
        ('{"after": 17}', Wanted(None, 17)),
        ("{}", Wanted(None, None)),
        ('{"stream": null, "after": null, "token": "more"}', Wanted(None, None)),
    ],
)
def test_a_first_message(message: str, wanted: Wanted) -> None:
    assert parse_wanted(message) == wanted


@pytest.mark.parametrize("after", ["-1", "1.5", '"17"', "true", "[17]", "NaN", "1e3", *BIG])
def test_a_first_message_with_a_wrong_number(after: str) -> None:
    with pytest.raises(FeedError):
        parse_wanted(f'{{"stream": null, "after": {after}}}')


@pytest.mark.parametrize("number", BIG, ids=len)
@pytest.mark.parametrize("message", ['{"id": N, "data": 1}', '{"gap": [1, N]}', '{"gap": [N, N]}'])
def test_an_id_that_not_every_language_can_count_to_is_refused(message: str, number: str) -> None:
    with pytest.raises(FeedError):
        parse_item(message.replace("N", number))
    with pytest.raises(FeedError):
        parse_granted(f'{{"stream": "s", "after": {number}}}')


@pytest.mark.parametrize("stream", ["17", "true", "[]", "{}"])
def test_a_first_message_with_a_wrong_stream(stream: str) -> None:
    with pytest.raises(FeedError):
        parse_wanted(f'{{"stream": {stream}, "after": null}}')


@pytest.mark.parametrize(
    "message",
    [
        '{"stream": null, "after": null}',  # what a server that echoes would answer
        '{"stream": "s"}',
        '{"after": 17}',
        '{"stream": "s", "after": -1}',
        '{"stream": "s", "after": true}',
        *(
            f'{{"stream": "s", "after": 30, "gap": {gap}}}'
            for gap in ("null", "[]", "[18]", "[30, 18]", "[0, 3]", "[null, 3]", "[1, 2, 3]", '"18-30"', "[1.0, 2]")
        ),
    ],
)
def test_an_answer_that_no_feed_gives(message: str) -> None:
    with pytest.raises(FeedError):
        parse_granted(message)


@pytest.mark.parametrize(
    "message",
    [
        '{"id": 18}',
        '{"id": 0, "data": 1}',
        '{"id": "18", "data": 1}',
        '{"id": true, "data": 1}',
        '{"id": null, "data": 1}',
        '{"gap": null}',
        '{"gap": [18, null]}',
        '{"gap": [18, 17]}',
        '{"gap": [true, 17]}',
    ],
)
def test_an_item_that_no_feed_sends(message: str) -> None:
    with pytest.raises(FeedError):
        parse_item(message)


@pytest.mark.parametrize("message", ["{}", '{"lagged": 3}', '{"presence": ["Ann"]}'])
def test_what_is_not_the_feeds_is_left_to_the_application(message: str) -> None:
    assert parse_item(message) is None


def test_the_table_in_the_docstring_is_what_parses() -> None:
    lines = [line for line in (feed_format.__doc__ or "").splitlines() if '{"' in line]
    shown = [line[line.index("{") : line.rindex("}") + 1].replace(" …}", ' "…"}') for line in lines]
    assert [parse_wanted(message).after for message in shown[:3]] == [None, 0, 17]
    assert [parse_granted(message).gap for message in shown[3:6]] == [None, Gap(18, 30), Gap(18, None)]
    assert [parse_item(message) for message in shown[6:]] == [Message(18, "…"), Gap(19, 25)]
