"""The checks of lesson 05 pass every right answer, however it is written, and say what they were given wrongly."""

from __future__ import annotations

from typing import Any

import pytest
from leaks import nothing_is_left  # noqa: F401

import wslab
from wslab.exercises import imports
from wslab.exercises.answers import run_source

BEAT = """
present = set()


async def beat(websocket):
    while True:
        await websocket.send("beat")
        await asyncio.sleep(20)

"""

CLEAN = {
    "a task group that is left": """
async def handler(websocket):
    present.add(websocket)
    try:
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(beat(websocket))
            async for message in websocket:
                await websocket.send(str(2 * int(message)))
            beating.cancel()
    finally:
        present.remove(websocket)
""",
    "a context manager, and quiet": """
@contextlib.contextmanager
def guest(websocket):
    present.add(websocket)
    try:
        yield
    finally:
        present.discard(websocket)


async def handler(websocket):
    beating = asyncio.create_task(beat(websocket))
    with guest(websocket), contextlib.suppress(ConnectionClosed):
        try:
            while True:
                await websocket.send(str(2 * int(await websocket.recv())))
        finally:
            beating.cancel()
            await asyncio.wait({beating})
""",
    "a hub": """
present = wslab.Hub()


async def handler(websocket):
    async with present.join(websocket):
        answering = asyncio.create_task(answer(websocket))
        beating = asyncio.create_task(beat(websocket))
        try:
            await asyncio.wait({answering, beating}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (answering, beating):
                task.cancel()
            await asyncio.gather(answering, beating, return_exceptions=True)


async def answer(websocket):
    async for message in websocket:
        await websocket.send(str(2 * int(message)))
""",
}

DELAYS = {
    "the square of a random number": """
def delays(base_s, cap_s):
    bound_s = base_s
    while True:
        yield bound_s * random.random() ** 2
        bound_s = min(cap_s, 2 * bound_s)
""",
    "an iterator made of others": """
def delays(base_s, cap_s):
    bounds = itertools.accumulate(itertools.repeat(2), lambda b, factor: min(cap_s, factor * b), initial=base_s)
    return map(lambda bound_s: random.random() * bound_s, bounds)
""",
    "the package's own": """
def delays(base_s, cap_s):
    return wslab.Backoff(initial_s=base_s, max_s=cap_s).delays()
""",
}

CLIENTS = {
    "recv in a loop": """
async def client(url, sleep=asyncio.sleep):
    heard, bound_s = [], 0.5
    while True:
        try:
            async with connect(url) as websocket:
                while True:
                    heard.append(await websocket.recv())
                    bound_s = 0.5
        except ConnectionClosed as closed:
            if closed.rcvd is not None and closed.rcvd.code == 1000:
                return heard
        except OSError:
            pass
        await sleep(bound_s * random.random())
        bound_s = min(30, bound_s * 2)
""",
    "two functions, and every status but 403 again": """
async def listen(url, heard):
    async with connect(url) as websocket:
        async for message in websocket:
            heard.append(message)
        return websocket.close_code == 1000


async def client(url, sleep=asyncio.sleep):
    heard, delays, count = [], wslab.Backoff().delays(), 0
    while True:
        try:
            if await listen(url, heard):
                break
        except InvalidStatus as error:
            if error.response.status_code == 403:
                raise
        except (ConnectionClosed, OSError):
            pass
        if len(heard) > count:
            delays, count = wslab.Backoff().delays(), len(heard)
        await sleep(next(delays))
    return heard
""",
}

RESUMING = {
    "the package's own client": """
async def client(url):
    async with wslab.resume(url, after=0, backoff=wslab.Backoff(initial_s=0.01)) as client:
        return [item.data async for item in client]
""",
    "a dict by id, and a loop of its own": """
async def client(url):
    heard = {}
    while True:
        try:
            async with connect(url) as websocket:
                await websocket.send(json.dumps({"stream": None, "after": max(heard, default=0)}))
                while True:
                    item = json.loads(await websocket.recv())
                    if "id" in item:
                        heard[item["id"]] = item["data"]
        except ConnectionClosed as closed:
            if closed.rcvd and closed.rcvd.code == 1000:
                return list(heard.values())
            await asyncio.sleep(0.01)
""",
}


async def named(source: str, *names: str) -> list[Any]:
    namespace: dict[str, Any] = {}
    more = "import contextlib\nimport itertools\nfrom websockets.exceptions import InvalidStatus\n"
    await run_source("answer", imports("05_disconnection") + "\n" + more + source, namespace)
    return [namespace[name] for name in names]


@pytest.mark.parametrize("source", CLEAN.values(), ids=CLEAN)
async def test_whatever_cleans_up_passes(source: str) -> None:
    handler, present = await named(BEAT + source, "handler", "present")
    for seed in range(3):
        report = await wslab.check.clean_up(handler, present, seed=seed)
        assert report.passed, report


@pytest.mark.parametrize("source", DELAYS.values(), ids=DELAYS)
async def test_whatever_grows_and_scatters_below_its_bound_passes(source: str) -> None:
    (delays,) = await named(source, "delays")
    for seed in range(3):
        report = await wslab.check.backoff(delays, seed=seed)
        assert report.passed, report


@pytest.mark.parametrize("source", CLIENTS.values(), ids=CLIENTS)
async def test_whatever_comes_back_as_it_should_passes(source: str) -> None:
    (client,) = await named(source, "client")
    for seed in range(3):
        report = await wslab.check.reconnect(client, seed=seed)
        assert report.passed, report


@pytest.mark.parametrize("source", RESUMING.values(), ids=RESUMING)
async def test_whatever_loses_nothing_passes(source: str) -> None:
    (client,) = await named(source, "client")
    for seed in range(3):
        report = await wslab.check.resume(client, seed=seed)
        assert report.passed, report


async def test_what_an_earlier_run_left_in_the_set_does_not_count() -> None:
    handler, present = await named(BEAT + CLEAN["a task group that is left"], "handler", "present")
    present.add("left by an earlier answer")
    assert (await wslab.check.clean_up(handler, present)).passed


WRONG_RESUMING = {
    "silent": (
        "async def client(url):\n    async with connect(url) as websocket:\n        await websocket.recv()",
        "said nothing first",
    ),
    "no JSON": (
        "async def client(url):\n    async with connect(url) as websocket:\n"
        "        await websocket.send(str({'after': 0}))\n        await websocket.recv()",
        "not what a feed understands",
    ),
    "bytes, again and again": (
        "async def client(url):\n    async for websocket in connect(url):\n        with suppress(ConnectionClosed):\n"
        "            await websocket.send(b'{}')\n            await websocket.recv()",
        "not what a feed understands",
    ),
}


@pytest.mark.parametrize(("source", "words"), WRONG_RESUMING.values(), ids=WRONG_RESUMING)
async def test_a_feed_that_does_not_understand_a_client_says_so(source: str, words: str) -> None:
    (client,) = await named(source, "client")
    assert words in repr(await wslab.check.resume(client, seed=1))


async def client_of_one(url: str) -> None: ...


@pytest.mark.parametrize(
    ("check", "given", "words"),
    [
        ("clean_up", ("ws://127.0.0.1:1/", set()), "a handler"),
        ("clean_up", (client_of_one, 3), "the set that the handler keeps"),
        ("reconnect", (client_of_one,), r"async def client\(url, sleep\)"),
        ("resume", (print,), r"async def client\(url\)"),
        ("backoff", (lambda base_s: None,), r"delays\(base_s, cap_s\)"),
        ("close_code", (7,), r"whose\(code\)"),
    ],
)
async def test_what_cannot_be_checked_is_a_clear_error(check: str, given: tuple[Any, ...], words: str) -> None:
    with pytest.raises(wslab.CheckError, match=words):
        await getattr(wslab.check, check)(*given)
