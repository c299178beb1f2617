"""The tapes of illegal-frame questions, judged as `Decoder` judges a stream."""

from __future__ import annotations

import pytest
from websockets.protocol import CLIENT, SERVER

import wslab
from wslab.quiz import questions
from wslab.quiz.frame_tape import illegal_frames, parse_frame, tape_text
from wslab.quiz.kinds import IllegalFrame

TAPES = {
    "legal": (["client 818537fa213d7f9f4d5158", "server 810548656c6c6f"], []),
    "not masked": (["client 8100"], [1]),
    "masked by the server": (["server 818000000000"], [1]),
    "begins with a continuation": (["server 8000"], [1]),
    "a message inside of another": (["server 0100", "server 8900", "server 8100", "server 8000"], [3]),
    "each side has its own message": (["server 0100", "client 818000000000", "server 8000"], []),
    "a fragmented ping": (["server 0900", "server 8a00"], [1]),
    "a longer length than needed": (["server 817e000548656c6c6f"], [1]),
    "a reserved opcode": (["server 8300"], [1]),
    "text that is no UTF-8, across frames": (["server 0101c3", "server 800128"], [2]),
    "a code that never stands in a frame": (["server 880203ed"], [1]),
    "after a close frame": (["server 880203e8", "client 888037fa213d", "server 8100"], [3]),
}
SHIPPED = [
    pytest.param(question, id=f"{topic}-{question.id}")
    for topic in questions.topics()
    for question in questions.load(topic)[topic]
    if isinstance(question, IllegalFrame)
]


@pytest.mark.parametrize(("lines", "illegal"), TAPES.values(), ids=TAPES)
def test_a_tape_is_judged(lines: list[str], illegal: list[int]) -> None:
    assert list(illegal_frames(list(map(parse_frame, lines)))) == illegal


@pytest.mark.parametrize(("lines", "illegal"), TAPES.values(), ids=TAPES)
def test_the_decoder_stops_at_the_same_frame(lines: list[str], illegal: list[int]) -> None:
    if "880203e8" not in lines[0]:  # a Decoder does not judge what comes after a close frame
        assert stopped_at(lines) == illegal


@pytest.mark.parametrize("question", SHIPPED)
def test_the_decoder_stops_at_the_answer_of_a_shipped_question(question: IllegalFrame) -> None:
    assert stopped_at(list(question.frames)) in ([question.answer], [])
    if "5.5.1" not in question.section:
        assert stopped_at(list(question.frames)) == [question.answer]


def stopped_at(lines: list[str]) -> list[int]:
    decoders = {side: wslab.Decoder(side) for side in (CLIENT, SERVER)}
    stopped = []
    for number, (sender, _, wire) in enumerate(map(parse_frame, lines), 1):
        try:
            decoders[sender].feed(wire)
        except wslab.DecodeError:
            stopped.append(number)
            break
    return stopped


def test_a_tape_is_shown_in_words_and_in_hex() -> None:
    long = "server 82" + "7f0000000000000003" + "000102"
    rows = tape_text(("client 888237fa213d3412", "server 880503e8627965", long)).splitlines()
    assert [row.split(maxsplit=2)[2] for row in rows] == [
        "decoded                                 bytes",
        "--------------------------------------  ----------------------------------------------",
        "CLOSE 1000, masked                      88 82 37 fa 21 3d 34 12",
        "CLOSE 1000 b'bye'                       88 05 03 e8 62 79 65",
        "BINARY b'\\x00\\x01\\x02', length_bits=64  82 7f 00 00 00 00 00 00 00 03 00 01 … 13 bytes",
    ]
