"""A check ends in a verdict whatever it is given: wrong answers, hangs, loops, leaks, what cannot be checked."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import signal
import sys
import threading
import warnings
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from leaks import a_check_freezes, nothing_is_left  # noqa: F401
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import serve as websockets_serve

import wslab
from wslab.check import Finding, Report
from wslab.check.bench import Bench
from wslab.check.judge import judged
from wslab.check.on_client import ClientBench, on_client
from wslab.check.on_function import FunctionBench, on_function
from wslab.check.remedies import remedy
from wslab.check.watch import Watch, reader_line
from wslab.exercises.answers import run_source

ECHO = """
async def handler(websocket):
    async for message in websocket:
        await websocket.send(message)
"""


async def named(name: str, source: str) -> Any:
    namespace: dict[str, Any] = {}
    await run_source(name, "import asyncio\nimport time\n" + source.strip(), namespace)
    return namespace[name]


async def handler_of(source: str) -> Any:
    return await named("handler", source)


async def test_a_right_answer_passes_and_shows_its_cases() -> None:
    report = await wslab.check.echo(await handler_of(ECHO), seed=1)
    assert report.passed and report.finding is None and report.records is None
    assert repr(report).splitlines()[0] == "echo: passed, 4 of 4 cases"
    assert "text comes back" in repr(report)


WRONG = {
    "returns at once": ("async def handler(websocket): ...", ["was closed before the answer", "close code 1000"]),
    "raises": (
        "async def handler(websocket):\n    async for message in websocket:\n        1 / 0",
        ["Your handler raised an error", "ZeroDivisionError: division by zero, at line 5: 1 / 0"],
    ),
    "says nothing": (
        "async def handler(websocket):\n    await asyncio.Event().wait()",
        ["Nothing came to client 1 within 1.5 s"],
    ),
    "outlives its client": (
        f"{ECHO.strip()}\n    await asyncio.Event().wait()",
        ["still running a second after its client has left", "waiting at line 6: await asyncio.Event().wait()"],
    ),
    "forgets await": (ECHO.replace("await ", ""), ["An await is missing", "'Connection.send' was never awaited"]),
    "sleeps with the loop": (
        "async def handler(websocket):\n    async for message in websocket:\n        time.sleep(60)",
        ["Your code stood still", "line 5: time.sleep(60)"],
    ),
    "loops for ever": (
        "async def handler(websocket):\n    while True:\n        try:\n            1 / 0\n"
        "        except Exception:\n            pass",
        ["Your code stood still", "line"],
    ),
    "leaks a task": (
        "async def tick():\n    await asyncio.Event().wait()\n\n"
        "async def handler(websocket):\n    asyncio.create_task(tick())\n"
        "    async for message in websocket:\n        await websocket.send(message)",
        ["tasks were left behind", "tick, waiting at line 4"],
    ),
    "swallows everything, and sleeps": (
        "async def handler(websocket):\n    while True:\n        try:\n            time.sleep(60)\n"
        "        except:\n            pass",
        ["Your code stood still", "line 6: time.sleep(60)"],
    ),
    "listens to a closed connection for ever": (
        "async def handler(websocket):\n    while True:\n        try:\n"
        "            await websocket.send(await websocket.recv())\n        except:\n            pass",
        ["Your code stood still", "at case 1 of 4"],
    ),
    "sends to one who has left": (
        "seen = []\n\nasync def handler(websocket):\n    seen.append(websocket)\n"
        "    async for message in websocket:\n        for each in seen:\n            await each.send(message)",
        ["Your handler raised an error", "ConnectionClosed", "line 9: await each.send(message)"],
    ),
    "floods": (
        "async def handler(websocket):\n    while True:\n        await websocket.send('Hello')",
        ["Your code stood still", "line 5: await websocket.send('Hello')"],
    ),
    "ends the program": (
        "async def handler(websocket):\n    async for message in websocket:\n        raise SystemExit",
        ["Your handler raised an error", "SystemExit, at line 5: raise SystemExit"],
    ),
    "raises an object": (
        "async def handler(websocket):\n    async for message in websocket:\n        raise ValueError(object())",
        ["ValueError: <object object>, at line 5"],
    ),
    "sends too much": (
        "async def handler(websocket):\n    async for message in websocket:\n"
        "        await websocket.send(b'x' * 2_000_000)",
        ["could not take what the server sent", "close code 1009, which client 1 sent", "exceeds limit"],
    ),
    "sends an illegal frame": (
        "async def handler(websocket):\n    async for message in websocket:\n"
        "        websocket.transport.write(b'\\xf3\\x00')",
        ["could not take what the server sent", "close code 1002, which client 1 sent"],
    ),
    "hangs up on the second client, after the first has left with an error of no interest": (
        "seen = []\n\nasync def handler(websocket):\n    seen.append(websocket)\n    while len(seen) < 2:\n"
        "        await websocket.send(await websocket.recv())",
        ["was closed before the answer", "close code 1000"],
    ),
    "catches its cancellation": (
        "async def handler(websocket):\n    try:\n        await asyncio.Event().wait()\n"
        "    except asyncio.CancelledError:\n        pass",
        ["Nothing came to client 1"],
    ),
}


@pytest.mark.parametrize(("source", "words"), WRONG.values(), ids=WRONG)
async def test_whatever_a_handler_does_ends_in_a_verdict_that_says_so(
    source: str, words: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    report = await wslab.check.echo(await handler_of(source), seed=1)
    assert not report.passed and sys.gettrace() is None
    assert "Fatal" not in caplog.text  # asyncio says so, in red under the cell, when an exception hits its own code
    for each in words:
        assert each in repr(report), repr(report)


async def no_handler(websocket: Any, path: str) -> None: ...


CANNOT = {
    "a number": (3, wslab.CheckError, "a value of type int"),
    "nothing": (None, wslab.CheckError, "a value of type NoneType"),
    "the old kind of handler": (no_handler, wslab.HandlerError, "websocket.request.path"),
    "a plain function": (lambda websocket, x: None, wslab.HandlerError, "wants 2 arguments"),
    "a page's URL": ("http://127.0.0.1:1/", wslab.UrlError, "has the scheme 'http'"),
    "nobody there": ("ws://127.0.0.1:1/", wslab.UnreachableError, "connection refused"),
}


@pytest.mark.parametrize(("candidate", "error", "words"), CANNOT.values(), ids=CANNOT)
async def test_what_cannot_be_checked_is_a_clear_error(candidate: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        await wslab.check.echo(candidate)


@pytest.mark.parametrize("check", [wslab.check.echo, wslab.check.shout, wslab.check.at_once])
async def test_a_handler_that_returns_at_once_is_sent_to_the_section_on_handlers(check: Any) -> None:
    report = await check(await handler_of("async def handler(websocket): ..."), seed=1)
    assert ("see", "lesson 03, What is a handler?") in report.rows
    assert "A handler that returns hangs up." in repr(report)


async def test_a_handler_that_was_called_is_a_clear_error() -> None:
    handler = await handler_of(ECHO)
    with pytest.raises(wslab.HandlerError, match="was called already"):
        await wslab.check.echo(handler(None))


async def test_a_server_that_says_nothing_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wslab.check.subject.OPEN_S", 0.05)
    come: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(lambda reader, writer: come.append(writer), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(wslab.AnswerTimeoutError, match="opening handshake"):
            await wslab.check.echo(f"ws://127.0.0.1:{port}/")
        come[0].close()


async def test_a_server_that_speaks_http_only_is_a_clear_error() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(wslab.NotWebSocketError, match="HTTP 200 OK"):
            await wslab.check.echo(f"ws://127.0.0.1:{port}/")


@pytest.mark.parametrize("seed", [-1, 2**32, "7", 1.5])
def test_a_seed_that_is_none_is_a_clear_error(seed: Any) -> None:
    with pytest.raises(wslab.CheckError, match="whole number"):
        wslab.check.echo(hash, seed=seed)


async def test_a_running_server_and_any_url_can_be_graded() -> None:
    async with wslab.serve(await handler_of(ECHO)) as server:
        assert (await wslab.check.echo(server)).passed
    async with websockets_serve(await handler_of(ECHO), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await wslab.check.echo(f"ws://127.0.0.1:{port}/")).passed


async def test_the_same_seed_draws_the_same_inputs_and_the_report_names_it() -> None:
    source = "    for _ in range(4):\n        await websocket.send(await websocket.recv())"
    few = await handler_of(f"async def handler(websocket):\n{source}")
    first, second = await wslab.check.echo(few, seed=7), await wslab.check.echo(few, seed=7)
    assert repr(first) == repr(second) and "seed=7" in repr(first)
    assert repr(await wslab.check.echo(few, seed=8)) != repr(first)


def test_a_check_that_was_not_awaited_says_so() -> None:
    assert repr(wslab.check.echo(hash)) == "<wslab check echo, not run: write await in front of it>"


async def test_payloads_are_escaped_and_both_twins_say_the_same() -> None:
    evil = await handler_of(
        "async def handler(websocket):\n    async for message in websocket:\n"
        "        await websocket.send('<script>alert(1)</script>')"
    )
    report = await wslab.check.echo(evil, seed=1)
    html = report._repr_html_()
    assert "<script" not in html and "&lt;script&gt;" in html
    assert "<script>" in repr(report) and "hint" in repr(report)
    assert " id=" not in html


# Functions and clients.


async def first(bench: FunctionBench) -> None:
    bench.gives(4, 2, section="arithmetic")


FUNCTIONS: dict[str, tuple[Callable[[int], Any], str]] = {
    "returns nothing": (lambda x: None, "returned nothing"),
    "returns another type": (lambda x: "4", "a value of type str"),
    "returns another value": (lambda x: 5, "returned a different value"),
    "raises": (lambda x: x / 0, "ZeroDivisionError: division by zero, at line"),
    "ends the program": (sys.exit, "raised an error"),
}


@pytest.mark.parametrize(("function", "words"), FUNCTIONS.values(), ids=FUNCTIONS)
async def test_a_wrong_function_is_told_how(function: Callable[[int], Any], words: str) -> None:
    report = await judged("double", on_function(function, "a function double(x)"), [first], 0)
    assert words in repr(report)


async def test_a_function_that_never_ends_is_ended() -> None:
    forever = await named("forever", "def forever(x):\n    while True:\n        pass")
    report = await judged("double", on_function(forever, "a function double(x)"), [first], 0)
    assert "did not come to an end" in repr(report) and "<exercise" not in repr(report)


async def test_an_async_function_is_not_taken_for_a_plain_one() -> None:
    async def double(x: int) -> int:
        return 2 * x

    report = await judged("double", on_function(double, "a function double(x)"), [first], 0)
    assert "Your function is async" in repr(report)


@pytest.mark.parametrize("candidate", [4, lambda: 4, lambda a, b: 4], ids=["number", "no argument", "two arguments"])
async def test_what_is_no_such_function_is_a_clear_error(candidate: Any) -> None:
    with pytest.raises(wslab.CheckError, match="a function double"):
        await judged("double", on_function(candidate, "a function double(x)"), [first], 0)


async def hello(websocket: Any) -> None:
    await websocket.send("Hello")
    await websocket.wait_closed()


async def takes_hello(bench: ClientBench) -> None:
    url = await bench.serve(hello)
    if await bench.run(url) != "Hello":
        raise Finding("another word")


async def good(url: str) -> str:
    async with wslab.clients.connect(url) as websocket:
        return str(await websocket.recv())


async def silent(url: str) -> str:
    await asyncio.Event().wait()
    return ""


async def failing(url: str) -> str:
    raise KeyError("nothing")


async def gives_up(url: str) -> str:
    raise asyncio.CancelledError


CLIENTS: dict[str, tuple[Callable[[str], Awaitable[str]], str]] = {
    "good": (good, "passed"),
    "silent": (silent, "did not end within 3 s"),
    "failing": (failing, "KeyError: 'nothing', at line"),
    "gives up": (gives_up, "was cancelled"),
}


@pytest.mark.parametrize(("client", "words"), CLIENTS.values(), ids=CLIENTS)
async def test_whatever_a_client_does_ends_in_a_verdict(client: Any, words: str) -> None:
    report = await judged("hear", on_client(client, "async def client(url)"), [takes_hello], 0)
    assert words in repr(report)


class Good:
    async def __call__(self, url: str) -> str:
        return await good(url)


@functools.wraps(good)
def wrapped(url: str) -> Any:
    return good(url)


@pytest.mark.parametrize("client", [Good(), Good().__call__, wrapped, functools.partial(good)])
async def test_whatever_is_async_is_a_client(client: Any) -> None:
    assert (await judged("hear", on_client(client, "async def client(url)"), [takes_hello], 0)).passed


async def quits(url: str) -> str:
    raise SystemExit


async def test_a_client_that_ends_the_program_ends_itself_only() -> None:
    report = await judged("hear", on_client(quits, "async def client(url)"), [takes_hello], 0)
    assert "Your client raised an error" in repr(report) and "SystemExit, at line" in repr(report)


async def no_url() -> str:
    return "Hello"


@pytest.mark.parametrize("client", [hash, no_url, Good, 3], ids=["plain", "no argument", "class", "number"])
async def test_what_is_no_client_is_a_clear_error(client: Any) -> None:
    with pytest.raises(wslab.CheckError, match="async def client"):
        await judged("hear", on_client(client, "async def client(url)"), [takes_hello], 0)


async def test_a_client_that_is_not_async_is_told_what_is_missing() -> None:
    with pytest.raises(wslab.CheckError, match="write async in front of def"):
        await judged("hear", on_client(lambda url: [], "async def client(url)"), [takes_hello], 0)


# The watch and the bounds.


async def test_an_interrupt_that_the_reader_asks_for_goes_where_it_went_before() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with Watch() as watch:
            os.kill(os.getpid(), signal.SIGINT)
        assert heard == [signal.SIGINT] and watch.blocked_at == ""
        assert callable(signal.getsignal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler])
async def test_the_answer_to_an_interrupt_is_the_same_as_before(before: Any) -> None:
    kept = signal.signal(signal.SIGINT, before)
    try:
        with Watch():
            pass
        assert signal.getsignal(signal.SIGINT) is before
    finally:
        signal.signal(signal.SIGINT, kept)


def test_code_in_a_debugger_does_not_stand_still() -> None:
    where = {"sys": sys, "__name__": "bdb"}
    exec("def stopped(): return sys._getframe()", where)
    assert reader_line(sys._getframe()) and reader_line(where["stopped"]()) == ""  # type: ignore[operator]


async def test_code_of_wslab_that_the_reader_calls_is_at_the_readers_line() -> None:
    class Odd:
        @property
        def url(self) -> str:
            seen.append(reader_line(sys._getframe().f_back))
            return "ws://127.0.0.1:1/"

    seen: list[str] = []
    wslab.tap(Odd())
    assert seen and all("wslab.tap(Odd())" in line for line in seen)


async def test_a_check_in_another_thread_ends_a_loop_too() -> None:
    forever = await named("forever", "def forever(x):\n    while True:\n        pass")
    check = judged("double", on_function(forever, "a function double(x)"), [first], 0)
    report = await asyncio.to_thread(lambda: asyncio.run(_await(check)))
    assert "did not come to an end" in repr(report) and "line" in report.finding.got


def state() -> tuple[Any, ...]:
    ours = [thread for thread in threading.enumerate() if thread.name == "wslab check"]
    return signal.getsignal(signal.SIGINT), list(warnings.filters), warnings.showwarning, ours


async def test_two_checks_at_once_do_not_mix(recwarn: pytest.WarningsRecorder) -> None:
    before, handler = state(), await handler_of(ECHO)
    leaks = await handler_of(WRONG["leaks a task"][0])
    checks = wslab.check.echo(handler), wslab.check.echo(leaks), wslab.check.echo(handler)
    assert [report.passed for report in await asyncio.gather(*checks)] == [True, False, True]
    assert state() == before
    warnings.warn("heard", UserWarning, stacklevel=1)
    assert [str(each.message) for each in recwarn] == ["heard"]


@pytest.mark.parametrize(("source", "step"), [(ECHO, 6), (WRONG["leaks a task"][0], 30)], ids=["good", "leaking"])
async def test_interrupted_anywhere_a_check_leaves_nothing_behind(source: str, step: int) -> None:
    before, handler = state(), await handler_of(source)
    for rounds in range(0, 150, step):
        checking = asyncio.ensure_future(wslab.check.echo(handler, seed=1))
        for _ in range(rounds):
            await asyncio.sleep(0)
        checking.cancel()
        await asyncio.wait({checking})
        assert asyncio.all_tasks() == {asyncio.current_task()}, rounds
        assert state() == before, rounds
    assert not (await wslab.check.echo(handler)).passed or source is ECHO


async def test_who_comes_to_another_server_meanwhile_is_no_leak_and_stays() -> None:
    called = asyncio.Event()

    async def handler(websocket: Any) -> None:
        called.set()
        async for message in websocket:
            await websocket.send(message)

    async def comes() -> ClientConnection:
        await called.wait()
        return await wslab.clients.connect(other.url, ping_interval=None)

    async with wslab.serve(handler) as other:
        coming = asyncio.create_task(comes())
        assert (await wslab.check.echo(handler)).passed
        async with await coming as websocket:
            await websocket.send("still there?")
            assert await websocket.recv() == "still there?"


SHARED = """
from wslab import actors

class Echo(actors.Actor):
    async def handle(self, message, ctx):
        if message == "never":
            await asyncio.Event().wait()
        return message

shared = []

async def handler(websocket):
    if not shared:
        shared.append(Echo().start())
    async for message in websocket:
        await websocket.send(await shared[0].send(message))
    FINALLY
"""


async def test_an_actor_that_waits_for_messages_is_no_leak_and_stays() -> None:
    handler = await handler_of(SHARED.replace("FINALLY", ""))
    first, second = await wslab.check.echo(handler), await wslab.check.echo(handler)
    assert first.passed and second.passed, first
    (address,) = handler.__globals__["shared"]
    assert address.connected
    del address
    handler.__globals__["shared"].clear()


async def test_an_actor_that_is_busy_for_ever_is_a_leak() -> None:
    handler = await handler_of(SHARED.replace("FINALLY", "Echo().start().do_send('never')"))
    report = await wslab.check.echo(handler)
    assert "left behind" in repr(report) and "await asyncio.Event().wait()" in repr(report)
    handler.__globals__["shared"].clear()


async def test_a_report_keeps_nothing_of_what_it_judged() -> None:
    handler = await handler_of("async def handler(websocket):\n    raise ValueError")
    report = await wslab.check.echo(handler)
    known = weakref.ref(handler)
    handler.__globals__.clear()
    del handler
    gc.collect()
    assert report.finding is not None and known() is None


async def test_a_check_outside_the_main_thread_leaves_signals_alone() -> None:
    handler = await handler_of(ECHO)

    def check() -> Report:
        return asyncio.run(_await(wslab.check.echo(handler)))

    before = signal.getsignal(signal.SIGINT)
    assert (await asyncio.to_thread(check)).passed
    assert signal.getsignal(signal.SIGINT) is before
    assert not [thread for thread in threading.enumerate() if thread.name == "wslab check"]


async def _await(verdict: Awaitable[Report]) -> Report:
    return await verdict


async def test_a_check_has_a_bound_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wslab.check.judge.LIMIT_S", 0.1)

    async def never(bench: FunctionBench) -> None:
        await asyncio.Event().wait()

    report = await judged("double", on_function(lambda x: x, "a function double(x)"), [never], 0)
    assert "not finished after 0.1 s" in repr(report)


async def test_other_warnings_than_a_forgotten_await_go_on(recwarn: pytest.WarningsRecorder) -> None:
    async def warns(bench: Bench) -> None:
        import warnings

        warnings.warn("look out", RuntimeWarning, stacklevel=1)

    with pytest.warns(RuntimeWarning, match="look out"):
        await judged("double", on_function(lambda x: x, "a function double(x)"), [warns], 0)


# What is broken on purpose in a check is noticed by the tests of the exercises.


@pytest.mark.parametrize("passes", [True, False], ids=["lets everything pass", "lets nothing pass"])
async def test_a_check_that_is_broken_is_noticed(passes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import test_exercise_mistakes
    import test_exercise_solutions
    import test_exercises

    (exercise,) = [each for each in test_exercises.EXERCISES if each.id == "echo"]

    def broken(candidate: Any, *, seed: int | None = None) -> Awaitable[Report]:
        finding = None if passes else Finding("something is wrong")

        async def report() -> Report:
            return Report("echo", ("text comes back",), int(passes), seed or 0, finding=finding)

        return report()

    monkeypatch.setattr(wslab.check, "echo", broken)
    noticed = []
    for test in (
        test_exercises.test_the_starter_fails_with_the_same_helpful_report_each_time,
        test_exercise_solutions.test_the_solution_passes_whatever_is_drawn,
        test_exercise_mistakes.test_each_typical_mistake_is_told_by_its_own_message,
    ):
        try:
            await test(exercise)
        except AssertionError:
            noticed.append(test.__name__)
    assert len(noticed) >= 2 if passes else noticed


# Of a library: ended by the collector or by a `del`, at a line of the reader's.
ENDING = "import time\n\nclass Slow:\n    def __del__(self):\n        time.sleep({})"
SLOW_END, NEVER_ENDS = (compile(ENDING.format(end_s), asyncio.__file__, "exec") for end_s in (0.5, 1000))
ENDS_SLOWLY = """
async def handler(websocket):
    async for message in websocket:
        slow = asyncio.Slow()
        del slow
        time.sleep(60)
"""


async def test_what_a_library_ends_is_not_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wslab.check.watch.PATIENCE_TICKS", 10)
    exec(SLOW_END, library := {"__name__": "asyncio.slow"})
    monkeypatch.setattr(asyncio, "Slow", library["Slow"], raising=False)
    report = await wslab.check.echo(await handler_of(ENDS_SLOWLY))
    assert report.finding is not None and "line 7: time.sleep(60)" in repr(report)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # in there, an interrupt is told in red
@pytest.mark.timeout(30)
async def test_what_a_library_never_ends_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wslab.check.watch.PATIENCE_TICKS", 10)
    monkeypatch.setattr("wslab.check.watch.ENDING_TICKS", 5)
    exec(NEVER_ENDS, library := {"__name__": "asyncio.slow"})
    monkeypatch.setattr(asyncio, "Slow", library["Slow"], raising=False)
    report = await wslab.check.echo(await handler_of(ENDS_SLOWLY))
    assert report.finding is not None and "line 6: del slow" in repr(report)


FAILS_UNSEEN = """
async def fails():
    raise KeyError("nobody asks")


async def handler(websocket):
    asyncio.create_task(fails())
    async for message in websocket:
        await websocket.send(message)
"""


async def test_a_task_that_fails_unseen_is_not_logged_in_red(caplog: pytest.LogCaptureFixture) -> None:
    await wslab.check.echo(await handler_of(FAILS_UNSEEN))
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_a_task_of_somebody_else_that_fails_unseen_is_logged_still(caplog: pytest.LogCaptureFixture) -> None:
    checked = asyncio.Event()

    async def fails() -> None:
        await checked.wait()
        raise KeyError("nobody asks")

    async def handler(websocket: Any) -> None:
        checked.set()

    other = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await wslab.check.echo(handler)
    assert other.done()
    del other
    gc.collect()
    assert "never retrieved" in caplog.text


FORGETFUL = """
async def handler(websocket):
    async for message in websocket:
        reply = websocket.recv()
        await websocket.send(reply)
"""


async def test_a_missing_await_is_told_although_a_traceback_holds_the_coroutine() -> None:
    report = await wslab.check.echo(await handler_of(FORGETFUL))
    assert report.finding is not None and report.finding.happened == "An await is missing."
    assert "'Connection.recv' was never awaited" in report.finding.got


@pytest.mark.usefixtures("a_check_freezes")
async def test_a_missing_await_of_another_cell_is_not_told_as_the_fault_of_this_one() -> None:
    async def forgotten() -> None:
        pass

    silent = await handler_of("async def handler(websocket):\n    await websocket.wait_closed()")
    gc.disable()  # or it takes the cycle apart before the check begins
    try:
        held: list[Any] = [forgotten()]
        held.append(held)
        coroutine = weakref.ref(held[0])
        del held
        report = await wslab.check.echo(silent)
        kept = coroutine()
        assert kept is not None
        kept.close()
    finally:
        gc.enable()
    assert report.finding is not None and report.finding.happened.startswith("Nothing came to client 1")


async def test_a_silence_names_the_line_at_which_the_handler_waits() -> None:
    report = await wslab.check.echo(
        await handler_of("async def handler(websocket):\n    await websocket.wait_closed()")
    )
    assert report.finding is not None and report.finding.got.endswith(": await websocket.wait_closed()")


async def test_a_long_exchange_is_shown_from_its_end_and_says_how_much_came_before() -> None:
    twenty = [wslab.Record(1, wslab.CLIENT, "end", 0.0)] * 20
    report = Report("many", ("many",), 0, 1, False, Finding("Too many."), wslab.Records(twenty), 3)
    words = "The last frames of the exchange; 3 came before them."
    assert words in repr(report) and words in report._repr_html_()
    assert "came before" not in repr(Report("few", ("few",), 0, 1, False, Finding("Few."), wslab.Records(twenty)))


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("TypeError: object NoneType can't be used in 'await' expression, at line 3", "leave out its await"),
        ("TypeError: object NoneType can't be used in 'await' expression", "`async def`"),
        ("TypeError: 'int' object can't be awaited", "`async def`"),
        ("TypeError: data is a dict-like object, at line 3", "json.dumps"),
        ("TypeError: data must be str or bytes, at line 3: await websocket.send(3)", "`str(...)`"),
        ("TypeError: Chatter.started() takes 1 positional argument but 2 were given", "`ctx`"),
        ("TypeError: Chatter() takes no arguments", "`__init__`"),
        ("TypeError: Address.send() takes 2 positional arguments but 3 were given, at line 3", "one value"),
        ("AttributeError: 'connect' object has no attribute 'send'", "async with"),
        ("ValueError: four", ""),
    ],
)
def test_a_well_known_error_has_its_remedy(failure: str, words: str) -> None:
    told = remedy(failure)
    assert words in told and bool(told) is bool(words)
