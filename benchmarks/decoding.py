"""Measure decoding: `wslab.frames.Decoder` against the two ways in which websockets parses the same bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator
from functools import partial

from websockets.frames import TEXT, Frame
from websockets.protocol import CLIENT, SERVER, Protocol
from websockets.streams import StreamReader

from wslab.frames import Decoder, WireFrame, encode

from .rounds import Comparison, clock_s, compare

STREAM_BYTES = {5: 2 * 10**5, 1024: 8 * 10**6, 65536: 32 * 10**6}
PIECE_BYTES = 64 * 2**10
ROUNDS = 15

Decode = Callable[[list[bytes]], int]


def pieces(payload_bytes: int) -> list[bytes]:
    """Make a client's stream of equal text frames, cut as a socket would cut it."""
    frame = encode(WireFrame(TEXT, b"H" * payload_bytes, masking_key=bytes.fromhex("37fa213d")))
    stream = frame * (STREAM_BYTES[payload_bytes] // len(frame))
    return [stream[start : start + PIECE_BYTES] for start in range(0, len(stream), PIECE_BYTES)]


def wslab_decoder(stream: list[bytes]) -> int:
    """Decode as the lessons do, strictly, and count the frames."""
    decoder = Decoder(CLIENT)
    return sum(len(decoder.feed(piece)) for piece in stream)


def websockets_protocol(stream: list[bytes]) -> int:
    """Let websockets' sans-I/O protocol parse, and count the frames."""
    protocol = Protocol(SERVER, max_size=None)
    count = 0
    for piece in stream:
        protocol.receive_data(piece)
        count += len(protocol.events_received())
    return count


def websockets_parser(stream: list[bytes]) -> int:
    """Let websockets' frame parser run alone, and count the frames."""
    reader, frames = StreamReader(), list[Frame]()

    def parse() -> Generator[None]:
        while True:
            frames.append((yield from Frame.parse(reader.read_exact, mask=True)))

    parser = parse()
    for piece in stream:
        reader.feed_data(piece)
        next(parser)
    return len(frames)


async def megabytes_per_second(decode: Decode, stream: list[bytes]) -> float:
    """Measure how fast a stream becomes frames."""
    start_s = clock_s()
    count = decode(stream)
    seconds = clock_s() - start_s
    if count == 0:
        raise RuntimeError("nothing was decoded")
    return sum(map(len, stream)) / 1e6 / seconds


async def measure() -> AsyncIterator[Comparison]:
    """Compare at three payload sizes with either way of websockets."""
    for payload_bytes in STREAM_BYTES:
        stream = pieces(payload_bytes)
        subject = partial(megabytes_per_second, wslab_decoder, stream)
        for name, decode in {"Protocol": websockets_protocol, "Frame.parse": websockets_parser}.items():
            case = f"decoder: wslab / websockets' {name}, {payload_bytes:,} B"
            baseline = partial(megabytes_per_second, decode, stream)
            yield await compare(case, subject, baseline, target=0.5, unit="MB/s", rounds=ROUNDS)
