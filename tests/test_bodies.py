"""Where HTTP bodies end, and what does not count as a length or a chunk."""

import pytest
from websockets.datastructures import Headers

from wslab.bodies import LINE_LIMIT_BYTES, TRAILER_LIMIT_BYTES, content_length, is_chunked, whole_chunks

LENGTHS = {
    "one": (["5"], 5),
    "zero": (["0"], 0),
    "none": ([], None),
    "the same twice": (["5", "5"], 5),
    "the same in a list": (["5, 5"], 5),
    "two": (["5, 6"], None),
    "a sign": (["+5"], None),
    "negative": (["-5"], None),
    "underscore": (["1_0"], None),
    "superscript": (["²"], None),
    "more digits than int() takes": (["9" * 5000], None),
    "nothing": ([""], None),
}


@pytest.mark.parametrize(("values", "length"), LENGTHS.values(), ids=LENGTHS.keys())
def test_a_length_is_digits_and_no_more(values: list[str], length: int | None) -> None:
    assert content_length(Headers([("Content-Length", value) for value in values])) == length


@pytest.mark.parametrize(("value", "chunked"), [("chunked", True), ("gzip, Chunked", True), ("notchunked", False)])
def test_a_body_is_chunked_if_that_coding_is_named(value: str, chunked: bool) -> None:
    assert is_chunked(Headers([("Transfer-Encoding", value)])) is chunked


CHUNKS = {
    "whole": (b"2\r\nHe\r\n3;x=1\r\nllo\r\n0\r\n\r\nnext", (24, b"Hello", True)),
    "trailer": (b"0\r\nX: 1\r\n\r\n", (11, b"", True)),
    "leading zeros": (b"0002\r\nHe\r\n", (10, b"He", False)),
    "size cut": (b"2", (0, b"", False)),
    "data cut": (b"2\r\nHe\r\n2\r\nx", (7, b"He", False)),
    "trailer cut": (b"2\r\nHe\r\n0\r\n", (7, b"He", False)),
    "larger than any memory": (b"FFFFFFFFFFFF\r\nx", (0, b"", False)),
    "good, then bad": (b"2\r\nHe\r\nzz\r\n", (7, b"He", False)),
}


@pytest.mark.parametrize(("wire", "found"), CHUNKS.values(), ids=CHUNKS.keys())
def test_whole_chunks_are_found(wire: bytes, found: tuple[int, bytes, bool]) -> None:
    assert whole_chunks(bytearray(wire)) == found


NO_CHUNKS = {
    "negative": b"-6\r\n",
    "signed": b"+5\r\nhello\r\n",
    "underscore": b"1_0\r\n",
    "prefix": b"0x5\r\nhello\r\n",
    "space before": b" 5\r\nhello\r\n",
    "empty": b"\r\n",
    "longer than 64 bits": b"F" * 17 + b"\r\n",
    "no CRLF after it": b"5\r\nhelloXX",
    "a line that does not end": b"1" * LINE_LIMIT_BYTES,
    "a trailer that does not end": b"0\r\n" + b"x" * TRAILER_LIMIT_BYTES,
}


@pytest.mark.parametrize("wire", NO_CHUNKS.values(), ids=NO_CHUNKS.keys())
def test_what_is_no_chunk_is_refused(wire: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(no|it does not)"):
        whole_chunks(bytearray(wire))
