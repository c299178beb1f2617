"""The checks of lesson 04: correct answers of other kinds pass, at a URL too, and further mistakes are told."""

from __future__ import annotations

import pytest
from leaks import nothing_is_left  # noqa: F401

import wslab
from wslab.exercises import Exercise, imports, load
from wslab.exercises.answers import report_of, run_source

EXERCISES = {each.id: each for each in load() if each.lesson == "04_broadcast"}

HUB = """
hub = wslab.Hub({rule})


async def {name}(websocket):
    async with hub.join(websocket):
        async for message in websocket:
            await hub.broadcast(message)
"""
COPY = """
everyone = set()


async def chat(websocket):
    everyone.add(websocket)
    try:
        async for message in websocket:
            for member in list(everyone):
                with suppress(ConnectionClosed):
                    await member.send(message)
    except ConnectionClosed:
        pass
    finally:
        everyone.remove(websocket)
"""
GATHER = """
everyone = {}


async def chat(websocket):
    everyone[websocket.id] = websocket
    try:
        while True:
            message = await websocket.recv()
            await asyncio.gather(*(each.send(message) for each in everyone.values()), return_exceptions=True)
    except ConnectionClosed:
        everyone.pop(websocket.id)
"""
TASKS = """
everyone, tasks = set(), set()


async def chat(websocket):
    everyone.add(websocket)
    try:
        async for message in websocket:
            for each in everyone:
                tasks.add(task := asyncio.create_task(quietly(each.send(message))))
                task.add_done_callback(tasks.discard)
    finally:
        everyone.discard(websocket)


async def quietly(sending):
    with suppress(ConnectionClosed):
        await sending
"""
QUEUES = """
queues = {}


async def send_from(queue, websocket):
    with suppress(ConnectionClosed):
        while True:
            await websocket.send(await queue.get())


async def chat(websocket):
    queue = queues[websocket] = asyncio.Queue(SIZE)
    sending = asyncio.create_task(send_from(queue, websocket))
    try:
        async for message in websocket:
            for each in queues.values():
                with suppress(asyncio.QueueFull):
                    each.put_nowait(message)
    finally:
        sending.cancel()
        del queues[websocket]
"""
CHANNEL = """
channel = wslab.Channel(16)


async def send_news(news, websocket):
    with suppress(ConnectionClosed):
        while True:
            try:
                message = await news.recv()
            except wslab.Lagged as lagged:
                message = f"you missed {lagged.count}"
            await websocket.send(message)


async def chat(websocket):
    with channel.subscribe() as news:
        sending = asyncio.create_task(send_news(news, websocket))
        try:
            async for message in websocket:
                channel.send(message)
        finally:
            sending.cancel()
"""
SKIPPING = """
everyone = set()


async def chat(websocket):
    everyone.add(websocket)
    try:
        async for message in websocket:
            broadcast([each for each in everyone if each.transport.get_write_buffer_size() < 2**20], message)
    finally:
        everyone.discard(websocket)
"""
CLOSING = """
everyone = set()


async def chat(websocket):
    everyone.add(websocket)
    try:
        async for message in websocket:
            broadcast(everyone, message)
            for each in list(everyone):
                if each.transport.get_write_buffer_size() > 2**20:
                    await each.close(1013)
    finally:
        everyone.discard(websocket)
"""
ONE_BY_ONE = """
here = {}


async def tell(news):
    for each in list(here.values()):
        with suppress(ConnectionClosed):
            await each.send(json.dumps(news))


async def presence(websocket):
    name = websocket.request.path.strip("/")
    await tell({"joined": name})
    here[name] = websocket
    try:
        await websocket.send(json.dumps({"here": sorted(here)}, indent=1))
        async for message in websocket:
            pass
    except ConnectionClosed:
        pass
    finally:
        here.pop(name)
        await tell({"left": name})
"""
PLAIN_TEXT = """
async def presence(websocket):
    await websocket.send(websocket.request.path)
    await websocket.wait_closed()
"""
UNTOLD = """
here = set()


async def presence(websocket):
    here.add(websocket.request.path[1:])
    try:
        await websocket.send(json.dumps({"here": list(here)}))
        await websocket.wait_closed()
    finally:
        here.remove(websocket.request.path[1:])
"""
HUB_ROOMS = """
rooms = {}
hub = wslab.Hub()


async def talk(websocket):
    async with hub.join(websocket, websocket.request.path):
        async for message in websocket:
            await hub.broadcast(message, room=websocket.request.path)
"""
FILTERED = """
rooms = {}
everyone = set()


async def talk(websocket):
    everyone.add(websocket)
    try:
        async for message in websocket:
            broadcast((each for each in everyone if each.request.path == websocket.request.path), message)
    finally:
        everyone.discard(websocket)
"""
PARTED = """
rooms = {}


async def talk(websocket):
    path = websocket.request.path
    rooms.setdefault(path, set()).add(websocket)
    try:
        async for message in websocket:
            broadcast(rooms[path], message)
    finally:
        del rooms[path]
"""

CORRECT = {
    "a hub that disconnects": ("broadcast", HUB.format(rule="'disconnect'", name="chat")),
    "a hub that waits": ("broadcast", HUB.format(rule="'wait'", name="chat")),
    "a copy of the set": ("broadcast", COPY),
    "all at once, in a dict": ("broadcast", GATHER),
    "a task each": ("broadcast", TASKS),
    "queues": ("broadcast", QUEUES.replace("SIZE", "16")),
    "a channel": ("broadcast", CHANNEL),
    "told one by one": ("presence", ONE_BY_ONE),
    "a hub with rooms": ("rooms", HUB_ROOMS),
    "one set, filtered": ("rooms", FILTERED),
    "a hub that disconnects the slow": ("no_stall", HUB.format(rule="'disconnect'", name="chat")),
    "a hub that lets the slow lag": ("no_stall", HUB.format(rule="'lag', queue_messages=8", name="chat")),
    "queues that drop": ("no_stall", QUEUES.replace("SIZE", "16")),
    "a channel that lags": ("no_stall", CHANNEL),
    "skips the slow": ("no_stall", SKIPPING),
}
WRONG = {
    "keeps all": (
        "broadcast",
        SKIPPING.replace("    finally:\n        everyone.discard", "    finally:\n        str"),
        "still held",
    ),
    "plain text": ("presence", PLAIN_TEXT, "is not JSON"),
    "tells nobody": ("presence", UNTOLD, "Tell the others when somebody has entered"),
    "takes the room from the others": ("rooms", PARTED, "A room ends with the last one"),
    "a hub that waits": ("no_stall", HUB.format(rule="'wait'", name="chat"), "the others hear nothing more"),
    "a task each": ("no_stall", TASKS, "Everything was kept for client 1"),
    "queues without a bound": ("no_stall", QUEUES.replace("SIZE", ""), "Everything was kept for client 1"),
    "queues of one place": ("no_stall", QUEUES.replace("SIZE", "1"), "reads, and missed a message."),
    "waits for the close": ("no_stall", CLOSING, "await each.close(1013)"),
}
LIMITLESS = "Everything was kept for client 1"


@pytest.mark.parametrize("name", CORRECT)
async def test_a_correct_answer_of_another_kind_passes(name: str) -> None:
    exercise, code = CORRECT[name]
    report = await report_of(EXERCISES[exercise], code)
    assert report.passed, report


@pytest.mark.parametrize("name", WRONG)
async def test_a_further_mistake_is_told(name: str) -> None:
    exercise, code, says = WRONG[name]
    report = await report_of(EXERCISES[exercise], code)
    assert not report.passed and says in repr(report), report


async def report_at_url(exercise: Exercise, code: str) -> wslab.check.Report:
    namespace = {"__name__": "__main__"}
    await run_source("imports", imports(exercise.lesson), namespace)
    await run_source(exercise.id, code, namespace)
    handler = namespace[exercise.call.partition("(")[2].removesuffix(")").split(",")[0]]
    async with wslab.serve(handler, compression=None) as server:
        return await getattr(wslab.check, exercise.id)(server.url)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=list(EXERCISES))
async def test_a_server_at_a_url_passes_too(exercise: Exercise) -> None:
    report = await report_at_url(exercise, exercise.solution)
    assert report.passed, report


async def test_a_server_at_a_url_that_keeps_all_is_told() -> None:
    report = await report_at_url(EXERCISES["no_stall"], EXERCISES["broadcast"].solution)
    assert LIMITLESS in repr(report), report


async def test_what_keeps_no_rooms_cannot_be_checked_for_rooms() -> None:
    with pytest.raises(wslab.CheckError, match="the dict in which the handler keeps its rooms"):
        await wslab.check.rooms("ws://127.0.0.1:1/", 3)
