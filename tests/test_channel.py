"""The channel does what tokio's broadcast channel does, case by case; then what only Python adds."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle as Names
from hypothesis.stateful import RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from leaks import nothing_is_left  # noqa: F401

from wslab import channel as channel_module
from wslab.channel import Channel, Receiver
from wslab.errors import ChannelClosed, ChannelEmpty, Lagged, NoReceiversError, WslabError

TIMEOUT_S = 10


class Case(NamedTuple):
    """Steps and their outcomes, "step: outcome", as tokio 1.54.1 itself played them.

    The steps of a receiver a: subscribe a, try a (try_recv), recv a (polled once), start a (a recv that goes on), end a
    (its outcome by now), cancel a, drop a, len a, resubscribe a b. The others are the channel's; alive counts the
    values that somebody still holds.
    """

    name: str
    section: str
    capacity: int
    steps: str


def sends(count: int) -> str:
    return "; ".join(f"send {number}: 1" for number in range(count))


CASES = [
    Case(
        "what is sent before anybody subscribed fails", "Sender::send", 16, "count: 0; send 1: no receivers 1; len: 0"
    ),
    Case("a failed send gives the value back", "error::SendError", 16, "send 7: no receivers 7; alive: 0"),
    Case("send gives the number of receivers", "Sender::send", 16, "subscribe a; send 1: 1; subscribe b; send 2: 2"),
    Case(
        "a send that failed does not stop later ones",
        "Sender::send",
        16,
        "subscribe a; drop a; send 1: no receivers 1; subscribe b; send 2: 1; recv b: 2; recv b: waits",
    ),
    Case(
        "every receiver gets every value, in order",
        "module, examples",
        16,
        "subscribe a; subscribe b; send 10: 2; send 20: 2; recv a: 10; recv a: 20; recv b: 10; recv b: 20",
    ),
    Case(
        "who subscribes later sees what is sent later",
        "Sender::subscribe",
        16,
        "subscribe a; send 10: 1; subscribe b; send 20: 2; recv b: 20; recv a: 10; recv a: 20",
    ),
    Case(
        "by one too many, the oldest is lost",
        "module, Lagging",
        2,
        "subscribe a; send 10: 1; send 20: 1; send 30: 1; recv a: lagged 1; recv a: 20; recv a: 30; recv a: waits",
    ),
    Case(
        "a full channel loses nothing yet",
        "module, Lagging",
        4,
        "subscribe a; send 1: 1; send 2: 1; send 3: 1; send 4: 1; len a: 4; try a: 1; send 5: 1; try a: 2; try a: 3",
    ),
    Case(
        "lag is told once, with the full count",
        "module, Lagging",
        2,
        "subscribe a; send 1: 1; send 2: 1; send 3: 1; send 4: 1; send 5: 1; try a: lagged 3; try a: 4; try a: 5",
    ),
    Case(
        "what is overwritten after the notice is a lag again",
        "module, Lagging",
        2,
        "subscribe a; send 1: 1; send 2: 1; send 3: 1; try a: lagged 1; send 4: 1; try a: lagged 1; try a: 3; try a: 4",
    ),
    Case(
        "only who is slow lags",
        "module, Lagging",
        2,
        "subscribe a; subscribe b; send 1: 2; send 2: 2; try a: 1; send 3: 2; try a: 2; try a: 3; try b: lagged 1",
    ),
    Case(
        "one is the smallest capacity",
        "fn channel",
        1,
        "subscribe a; send 1: 1; send 2: 1; len: 1; try a: lagged 1; try a: 2; try a: empty",
    ),
    Case("a capacity of nothing is refused", "fn channel, Panics", 0, ""),
    Case(
        "two stays two",
        "fn channel",
        2,
        "subscribe a; send 1: 1; send 2: 1; send 3: 1; len: 2; len a: 3; try a: lagged 1",
    ),
    Case(
        "three is rounded up to four",
        "fn channel",
        3,
        "subscribe a; send 1: 1; send 2: 1; send 3: 1; send 4: 1; len: 4; send 5: 1; len: 4; try a: lagged 1; try a: 2",
    ),
    Case(
        "five is rounded up to eight",
        "fn channel",
        5,
        f"subscribe a; {sends(8)}; len: 8; send 8: 1; len: 8; len a: 9; try a: lagged 1; try a: 1",
    ),
    Case(
        "a hundred is rounded up to 128",
        "fn channel",
        100,
        f"subscribe a; {sends(128)}; len: 128; send 128: 1; len: 128; len a: 129; try a: lagged 1; try a: 1",
    ),
    Case(
        "the channel counts what somebody has yet to see",
        "Sender::len",
        16,
        "subscribe a; subscribe b; send 10: 2; send 20: 2; send 30: 2; len: 3; recv a: 10; len: 3; recv b: 10; len: 2",
    ),
    Case(
        "the channel does not count what was overwritten, a receiver does",
        "Sender::len, Note; Receiver::len",
        2,
        "subscribe a; send 1: 1; send 2: 1; send 3: 1; len: 2; len a: 3; try a: lagged 1; len a: 2; try a: 2; len a: 1",
    ),
    Case(
        "a receiver counts what it has yet to see",
        "Receiver::len",
        16,
        "subscribe a; len a: 0; send 10: 1; send 20: 1; len a: 2; recv a: 10; len a: 1; recv a: 20; len a: 0",
    ),
    Case(
        "receivers are counted",
        "Sender::receiver_count",
        16,
        "count: 0; subscribe a; count: 1; subscribe b; count: 2; resubscribe a c; count: 3; drop b; count: 2",
    ),
    Case(
        "closing drains first",
        "module, Closing",
        16,
        "subscribe a; send 1: 1; send 2: 1; close; recv a: 1; try a: 2; recv a: closed; recv a: closed; try a: closed",
    ),
    Case(
        "lag comes before the end",
        "module, Closing",
        1,
        "subscribe a; send 1: 1; send 2: 1; close; recv a: lagged 1; recv a: 2; recv a: closed",
    ),
    Case("closing wakes who waits", "Receiver::recv", 16, "subscribe a; start a: waits; close; end a: closed"),
    Case(
        "each drains for itself",
        "module, Closing",
        16,
        "subscribe a; subscribe b; send 1: 2; close; recv a: 1; recv a: closed; len b: 1; recv b: 1; recv b: closed",
    ),
    Case(
        "who leaves has read everything",
        "module, Closing",
        16,
        "subscribe a; subscribe b; send 1: 2; try a: 1; alive: 1; drop b; alive: 0; len: 0; count: 1",
    ),
    Case(
        "with the last receiver all goes",
        "module, Closing",
        16,
        "subscribe a; send 1: 1; drop a; count: 0; len: 0; alive: 0",
    ),
    Case(
        "who leaves takes nothing from others",
        "module, Closing",
        16,
        "subscribe a; subscribe b; send 1: 2; drop b; alive: 1; len: 1; try a: 1; alive: 0",
    ),
    Case(
        "who lagged can leave",
        "module, Closing",
        2,
        "subscribe a; subscribe b; send 1: 2; send 2: 2; send 3: 2; drop a; try b: lagged 1; try b: 2; alive: 1",
    ),
    Case(
        "the last that sees a value releases it",
        "module",
        16,
        "subscribe a; subscribe b; send 1: 2; send 2: 2; alive: 2; try a: 1; alive: 2; try b: 1; alive: 1; len: 1",
    ),
    Case(
        "overwritten values are released",
        "module, Lagging",
        2,
        "subscribe a; send 1: 1; send 2: 1; send 3: 1; send 4: 1; alive: 2",
    ),
    Case(
        "nothing there is not an end",
        "Receiver::try_recv",
        16,
        "subscribe a; try a: empty; send 10: 1; try a: 10; try a: empty",
    ),
    Case(
        "nothing there and closed is one", "Receiver::try_recv", 16, "subscribe a; try a: empty; close; try a: closed"
    ),
    Case(
        "resubscribing begins at the tail",
        "Receiver::resubscribe",
        2,
        "subscribe a; send 1: 1; resubscribe a b; send 2: 2; recv b: 2; recv a: 1",
    ),
    Case(
        "resubscribing at an end sees the end",
        "Receiver::resubscribe",
        2,
        "subscribe a; send 1: 1; close; resubscribe a b; recv b: closed; recv a: 1",
    ),
    Case(
        "a value wakes who waits",
        "Receiver::recv",
        16,
        "subscribe a; start a: waits; send 1: 1; end a: 1; recv a: waits",
    ),
    Case(
        "one value wakes all that wait",
        "module",
        16,
        "subscribe a; subscribe b; start a: waits; start b: waits; end a: waits; send 1: 2; end b: 1; end a: 1",
    ),
    Case(
        "a recv that is cancelled has taken nothing",
        "Receiver::recv, Cancel safety",
        16,
        "subscribe a; start a: waits; cancel a; send 1: 1; len a: 1; try a: 1",
    ),
    Case(
        "nor has one that is cancelled once it was woken",
        "Receiver::recv, Cancel safety",
        16,
        "subscribe a; start a: waits; send 1: 1; cancel a; len a: 1; recv a: 1",
    ),
    Case(
        "who was woken late enough lags",
        "Receiver::recv",
        1,
        "subscribe a; start a: waits; send 1: 1; send 2: 1; end a: lagged 1; recv a: 2",
    ),
]


class Value:
    """A number whose life can be watched."""

    def __init__(self, number: int) -> None:
        self.number = number


class Play:
    """Plays the steps of a case on a channel and says what came of each, in the table's words."""

    def __init__(self, capacity: int) -> None:
        self.channel: Channel[Value] = Channel(capacity)
        self.receivers: dict[str, Receiver[Value]] = {}
        self.tasks: dict[str, asyncio.Task[str]] = {}
        self.values: weakref.WeakSet[Value] = weakref.WeakSet()

    async def step(self, words: str) -> str:
        match words.split():
            case ["send", number]:
                return self.send(int(number))
            case ["subscribe", name]:
                self.receivers[name] = self.channel.subscribe()
            case ["resubscribe", name, other]:
                self.receivers[other] = self.receivers[name].resubscribe()
            case ["drop", name]:
                self.receivers.pop(name).close()
            case ["close"]:
                self.channel.close()
            case ["try", name]:
                return await outcome(self.receivers[name], wait=False)
            case ["recv", name]:
                said = await self.start(name)
                return said if said != "waits" else said + await self.cancel(name)
            case ["start", name]:
                return await self.start(name)
            case ["end", name]:
                return await self.look_at(name)
            case ["cancel", name]:
                return await self.cancel(name)
            case _:
                return str(self.count(words))
        return ""

    def send(self, number: int) -> str:
        value = Value(number)
        self.values.add(value)
        try:
            return str(self.channel.send(value))
        except NoReceiversError as error:
            return f"no receivers {cast(Value, error.value).number}"

    async def start(self, name: str) -> str:
        self.tasks[name] = asyncio.create_task(outcome(self.receivers[name], wait=True))
        await asyncio.sleep(0)  # its first step
        return await self.look_at(name)

    async def look_at(self, name: str) -> str:
        await asyncio.sleep(0)  # its next step, if it was woken
        return await self.tasks.pop(name) if self.tasks[name].done() else "waits"

    async def cancel(self, name: str) -> str:
        task = self.tasks.pop(name)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        return ""

    def count(self, words: str) -> int:
        match words.split():
            case ["len", name]:
                return len(self.receivers[name])
            case ["len"]:
                return len(self.channel)
            case ["count"]:
                return self.channel.receiver_count
            case ["alive"]:
                return len(self.values)
        raise AssertionError(words)


async def outcome(receiver: Receiver[Value], *, wait: bool) -> str:
    try:
        return str((await receiver.recv() if wait else receiver.try_recv()).number)
    except Lagged as lagged:
        return f"lagged {lagged.count}"
    except ChannelEmpty:
        return "empty"
    except ChannelClosed:
        return "closed"


@pytest.mark.parametrize("case", [case for case in CASES if case.capacity], ids=lambda case: case.name)
async def test_the_channel_does_what_tokio_does(case: Case) -> None:
    play = Play(case.capacity)
    for step in case.steps.split("; "):
        words, _, expected = step.partition(": ")
        assert f"{words}: {await play.step(words)}" == f"{words}: {expected}"


@pytest.mark.parametrize("capacity", [0, -1, 2.5, "8", None], ids=repr)
def test_a_capacity_that_is_none_is_refused(capacity: Any) -> None:
    with pytest.raises(WslabError, match=r"cannot keep .* Expected: a whole number from 1"):
        Channel(capacity)


@pytest.mark.parametrize(("asked", "given"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (100, 128), (129, 256)])
def test_the_capacity_tells_what_it_was_rounded_to(asked: int, given: int) -> None:
    assert Channel[int](asked).capacity == given


class AgainstTheModel(RuleBasedStateMachine):
    """Any order of steps: the model is the list of all that was sent, and where each receiver stands in it."""

    receivers = Names("receivers")

    @initialize(capacity=st.sampled_from([1, 2, 4]))
    def open(self, capacity: int) -> None:
        self.runner = asyncio.Runner()
        self.play, self.capacity, self.closed = Play(capacity), capacity, False
        self.sent: list[int] = []
        self.next: dict[str, int] = {}
        self.made = 0

    def teardown(self) -> None:
        self.runner.close()

    def does(self, words: str) -> str:
        if words.startswith("send "):  # outside the loop, so that nobody reads in the midst of several
            return self.play.send(int(words.removeprefix("send ")))
        return self.runner.run(self.play.step(words))

    def expected(self, name: str, nothing: str) -> str:
        """Say what the receiver gets now, and move it there."""
        oldest = max(0, len(self.sent) - self.capacity)
        at = self.next[name]
        if at == len(self.sent):
            return "closed" if self.closed else nothing
        self.next[name] = max(at + 1, oldest) if at >= oldest else oldest
        return str(self.sent[at]) if at >= oldest else f"lagged {oldest - at}"

    @rule(target=receivers)
    def subscribe(self) -> Any:
        if self.closed:
            return multiple()
        self.made += 1
        self.does(f"subscribe r{self.made}")
        self.next[f"r{self.made}"] = len(self.sent)
        return f"r{self.made}"

    @rule(target=receivers, name=receivers)
    def resubscribe(self, name: str) -> str:
        self.made += 1
        self.does(f"resubscribe {name} r{self.made}")
        self.next[f"r{self.made}"] = len(self.sent)
        return f"r{self.made}"

    @rule(count=st.integers(1, 6))
    def send(self, count: int) -> None:
        for _ in range(0 if self.closed else count):
            number = len(self.sent)
            assert self.does(f"send {number}") == (str(len(self.next)) if self.next else f"no receivers {number}")
            self.sent += [number] if self.next else []

    @rule(name=receivers)
    def try_recv(self, name: str) -> None:
        assert self.does(f"try {name}") == self.expected(name, "empty")

    @rule(name=receivers)
    def recv(self, name: str) -> None:
        assert self.does(f"recv {name}") == self.expected(name, "waits")

    @rule(name=receivers, count=st.integers(1, 3))
    def send_to_one_that_waits(self, name: str, count: int) -> None:
        said = self.does(f"start {name}")
        assert said == self.expected(name, "waits")
        self.send(count)
        if said == "waits":
            now = self.expected(name, "waits")
            assert self.does(f"end {name}") == now
            assert name not in self.play.tasks or self.does(f"cancel {name}") == ""

    @rule(name=receivers, takes=st.lists(st.booleans(), min_size=1, max_size=4))
    def send_to_one_that_offers(self, name: str, takes: list[bool]) -> None:
        answers, taken = iter(takes), list[int]()
        with self.play.receivers[name].offered_to(lambda value: next(answers) and not taken.append(value.number)):
            said = self.does(f"start {name}")
            assert said == self.expected(name, "waits")
            begin = len(self.sent)
            self.send(len(takes))
        if said == "waits":
            assert taken == self.sent[begin:][: takes.index(False) if False in takes else None]
            self.next[name] += len(taken)
            now = self.expected(name, "waits")
            assert self.does(f"end {name}") == now
            assert name not in self.play.tasks or self.does(f"cancel {name}") == ""
        else:
            assert not taken

    @rule(name=consumes(receivers))
    def drop(self, name: str) -> None:
        self.does(f"drop {name}")
        del self.next[name]

    @rule(chance=st.integers(0, 9))
    def close(self, chance: int) -> None:
        if chance == 0:  # seldom, or most of a run would be about closed channels
            self.does("close")
            self.closed = True

    @invariant()
    def counts_are_exact(self) -> None:
        oldest = max(0, len(self.sent) - self.capacity)
        kept = len(self.sent) - max(oldest, min(self.next.values(), default=len(self.sent)))
        assert self.play.count("count") == len(self.next)
        assert self.play.count("len") == self.play.count("alive") == kept <= self.capacity
        assert {name: self.play.count(f"len {name}") for name in self.next} == {
            name: len(self.sent) - at for name, at in self.next.items()
        }


TestAgainstTheModel = AgainstTheModel.TestCase


async def test_a_loop_gets_every_value_and_ends_when_the_channel_does() -> None:
    channel: Channel[str] = Channel(4)
    with channel.subscribe() as receiver:
        channel.send("one")
        channel.send("two")
        channel.close()
        assert [value async for value in receiver] == ["one", "two"]
        assert [value async for value in receiver] == []


async def test_lag_ends_a_loop_that_can_be_entered_again() -> None:
    channel: Channel[int] = Channel(2)
    receiver = channel.subscribe()
    for number in range(5):
        channel.send(number)
    channel.close()
    with pytest.raises(Lagged, match="missed 3") as caught:
        [value async for value in receiver]
    assert caught.value.count == 3
    assert [value async for value in receiver] == [3, 4]


async def test_two_receives_at_once_are_an_error_and_the_first_goes_on() -> None:
    channel: Channel[int] = Channel(2)
    receiver = channel.subscribe()
    first = asyncio.create_task(receiver.recv())
    await asyncio.sleep(0)
    with pytest.raises(WslabError, match="two tasks receive from one receiver at once"):
        await receiver.recv()
    channel.send(1)
    with pytest.raises(WslabError, match="two tasks"):  # woken, the first has not yet taken its value
        await receiver.recv()
    async with asyncio.timeout(TIMEOUT_S):
        assert await first == 1
    channel.send(2)
    assert await receiver.recv() == 2


async def test_a_value_that_another_took_meanwhile_is_waited_for_on() -> None:
    channel: Channel[int] = Channel(2)
    receiver = channel.subscribe()
    waiting = asyncio.create_task(receiver.recv())
    await asyncio.sleep(0)
    channel.send(1)
    assert receiver.try_recv() == 1
    await asyncio.sleep(0)
    channel.send(2)
    async with asyncio.timeout(TIMEOUT_S):
        assert await waiting == 2


async def test_those_that_wait_are_woken_in_the_order_in_which_they_came() -> None:
    channel: Channel[str] = Channel(2)
    woken: list[int] = []

    async def wait(number: int, receiver: Receiver[str]) -> None:
        await receiver.recv()
        woken.append(number)

    async with asyncio.timeout(TIMEOUT_S), asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(wait(number, channel.subscribe()))
        await asyncio.sleep(0)
        channel.send("go")
    assert woken == list(range(20))


async def test_a_timeout_takes_no_value() -> None:
    channel: Channel[int] = Channel(2)
    receiver = channel.subscribe()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await receiver.recv()
    channel.send(1)
    assert await receiver.recv() == 1
    assert repr(channel) == "<wslab channel, open, keeps 0 of 2, receivers: 1>"


@pytest.mark.parametrize("cancelled_first", [True, False], ids=["cancelled, then sent", "sent, then cancelled"])
async def test_a_wait_that_is_cancelled_in_the_moment_of_a_send_takes_nothing(cancelled_first: bool) -> None:
    channel: Channel[int] = Channel(2)
    receiver = channel.subscribe()
    waiting = asyncio.create_task(receiver.recv())
    await asyncio.sleep(0)
    steps: list[Callable[[], object]] = [waiting.cancel, lambda: channel.send(1)]
    for step in steps if cancelled_first else reversed(steps):
        step()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    assert receiver.try_recv() == 1


async def test_a_receiver_that_is_closed_ends_its_waiting_loop() -> None:
    channel: Channel[int] = Channel(2)
    receiver = channel.subscribe()

    async def read() -> list[int]:
        return [value async for value in receiver]

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    receiver.close()
    async with asyncio.timeout(TIMEOUT_S):
        assert await reading == []
    assert channel.receiver_count == 0


def test_a_closed_receiver_gives_nothing_though_the_channel_goes_on() -> None:
    channel: Channel[int] = Channel(2)
    receiver, other = channel.subscribe(), channel.subscribe()
    channel.send(1)
    receiver.close()
    receiver.close()
    assert channel.receiver_count == 1 and len(receiver) == 0 and len(other) == 1
    with pytest.raises(ChannelClosed, match="the receiver is closed"):
        receiver.try_recv()
    assert receiver.resubscribe() is not receiver


@pytest.mark.parametrize("fails", [False, True], ids=["at its end", "by an error"])
def test_leaving_the_block_unsubscribes(fails: bool) -> None:
    channel: Channel[int] = Channel(2)
    receiver = channel.subscribe()  # held, so that it is the block that does it
    with suppress(LookupError), receiver as entered:
        assert entered is receiver
        assert channel.send(1) == 1
        if fails:
            raise LookupError
    assert channel.receiver_count == len(channel) == 0


def test_a_receiver_that_is_forgotten_unsubscribes() -> None:
    channel: Channel[int] = Channel(2)
    channel.subscribe()
    gc.collect()
    assert channel.receiver_count == 0
    with pytest.raises(NoReceiversError):
        channel.send(1)


async def test_a_receiver_whose_wait_was_cancelled_can_be_forgotten() -> None:
    channel: Channel[int] = Channel(2)
    waiting = asyncio.create_task(channel.subscribe().recv())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    del waiting
    gc.collect()
    assert channel.receiver_count == 0


def test_a_receiver_that_is_collected_in_the_midst_of_a_send_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    channel: Channel[int] = Channel(2)
    stays, goes = channel.subscribe(), channel.subscribe()
    kept = channel_module._Kept

    def kept_while_collecting(*arguments: Any) -> Any:
        goes.close()
        return kept(*arguments)

    monkeypatch.setattr(channel_module, "_Kept", kept_while_collecting)
    assert channel.send(1) == 1
    assert stays.try_recv() == 1
    assert len(channel) == 0


# Values that are offered.


class Taker:
    """Takes the values that it is offered, as long as it wants them."""

    def __init__(self) -> None:
        self.wants = True
        self.taken: list[int] = []

    def __call__(self, value: int) -> bool:
        self.taken += [value] if self.wants else []
        return self.wants


async def waiting(receiver: Receiver[int]) -> asyncio.Task[int]:
    task = asyncio.create_task(receiver.recv())
    await asyncio.sleep(0)
    return task


async def test_a_value_that_is_taken_at_once_wakes_nobody_and_the_next_that_is_not_does() -> None:
    channel: Channel[int] = Channel(1)
    receiver, other, take = channel.subscribe(), channel.subscribe(), Taker()
    with receiver.offered_to(take):
        task = await waiting(receiver)
        for number in range(3):
            assert channel.send(number) == 2 and len(receiver) == 0
        await asyncio.sleep(0)
        assert take.taken == [0, 1, 2] and not task.done()
        take.wants = False
        channel.send(3)
        take.wants = True
        assert len(receiver) == 1 and await task == 3
    assert len(other) == 4 and len(channel) == 1


async def test_nothing_is_offered_before_all_that_came_earlier_is_received() -> None:
    channel: Channel[int] = Channel(4)
    receiver, take = channel.subscribe(), Taker()
    with receiver.offered_to(take):
        channel.send(0)  # nobody waits yet
        task = await waiting(receiver)
        assert task.done() and await task == 0
        task, take.wants = await waiting(receiver), False
        channel.send(1)
        take.wants = True
        channel.send(2)  # it was woken for 1, and has not run yet
        assert [await task, receiver.try_recv(), take.taken] == [1, 2, []]


async def test_after_the_block_nothing_is_offered() -> None:
    channel: Channel[int] = Channel(4)
    receiver, take = channel.subscribe(), Taker()
    with suppress(LookupError), receiver.offered_to(take):
        raise LookupError
    task = await waiting(receiver)
    channel.send(1)
    assert await task == 1 and take.taken == []


async def test_values_are_offered_to_one_at_a_time() -> None:
    channel: Channel[int] = Channel(4)
    receiver, take, late = channel.subscribe(), Taker(), Taker()
    with receiver.offered_to(take):
        with pytest.raises(WslabError, match="two tasks receive from one receiver at once"), receiver.offered_to(late):
            raise AssertionError("the block must not run")
        task = await waiting(receiver)
        channel.send(1)
        assert take.taken == [1] and late.taken == []
        channel.close()
        with pytest.raises(ChannelClosed):
            await task
    with receiver.offered_to(late):
        pass


@pytest.mark.parametrize("how", ["cancelled", "closed"])
async def test_whoever_waits_no_longer_is_offered_nothing(how: str) -> None:
    channel: Channel[int] = Channel(4)
    receiver, other, take = channel.subscribe(), channel.subscribe(), Taker()
    with receiver.offered_to(take):
        task = await waiting(receiver)
        (task.cancel if how == "cancelled" else receiver.close)()
        channel.send(1)
        await asyncio.wait({task})
    assert take.taken == [] and len(other) == 1
    assert task.cancelled() if how == "cancelled" else isinstance(task.exception(), ChannelClosed)
    assert len(receiver) == (how == "cancelled")


async def test_a_receiver_that_a_taker_closes_is_offered_nothing_more() -> None:
    channel: Channel[int] = Channel(4)
    one, two, take = channel.subscribe(), channel.subscribe(), Taker()
    with one.offered_to(lambda value: two.close() is None), two.offered_to(take):
        first, second = await waiting(one), await waiting(two)
        channel.send(1)
        assert isinstance((await asyncio.gather(second, return_exceptions=True))[0], ChannelClosed)
        assert take.taken == [] and len(channel) == len(one) == 0
        first.cancel()


async def test_what_all_have_taken_is_let_go() -> None:
    channel: Channel[Value] = Channel(4)
    receiver, values = channel.subscribe(), weakref.WeakSet[Value]()
    with receiver.offered_to(lambda value: values.add(value) is None):
        task = asyncio.create_task(receiver.recv())
        await asyncio.sleep(0)
        channel.send(Value(1))
        assert len(values) == len(channel) == 0
        task.cancel()


def test_a_closed_channel_takes_no_value_and_ends_whoever_subscribes() -> None:
    channel: Channel[int] = Channel(2)
    channel.close()
    channel.close()
    with pytest.raises(ChannelClosed, match="the channel is closed"):
        channel.send(1)
    with pytest.raises(ChannelClosed, match="the channel is closed"):
        channel.subscribe().try_recv()


def test_send_does_the_same_work_for_one_receiver_as_for_thousands() -> None:
    assert lines_of_a_send(receiver_count=5_000) == lines_of_a_send(receiver_count=1)


def lines_of_a_send(receiver_count: int) -> int:
    """Count the lines of the channel's module that run in one send into a full channel."""
    channel: Channel[int] = Channel(4)
    receivers = [channel.subscribe() for _ in range(receiver_count)]
    for number in range(channel.capacity):
        channel.send(number)
    lines: list[int] = []

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        if event == "line" and frame.f_code.co_filename == channel_module.__file__:
            lines.append(frame.f_lineno)
        return trace

    tracing = sys.gettrace()
    sys.settrace(trace)
    try:
        assert channel.send(9) == len(receivers)
    finally:
        sys.settrace(tracing)
    assert lines
    return len(lines)


def test_what_is_shown_is_the_same_in_every_run() -> None:
    channel: Channel[int] = Channel(3)
    receiver = channel.subscribe()
    channel.send(1)
    assert repr(channel) == "<wslab channel, open, keeps 1 of 4, receivers: 1>"
    assert repr(receiver) == "<wslab receiver, open, unread: 1>"
    receiver.close()
    channel.close()
    assert repr(channel) == "<wslab channel, closed, keeps 0 of 4, receivers: 0>"
    assert repr(receiver) == "<wslab receiver, closed, unread: 0>"


async def test_a_send_that_is_interrupted_loses_nothing_of_what_others_wait_for() -> None:
    def interrupt(value: str) -> bool:
        if value == "one":
            raise KeyboardInterrupt  # as Jupyter's "interrupt kernel" does, at any point
        return False

    def take(value: str) -> bool:
        taken.append(value)
        return True

    channel: Channel[str] = Channel(4)
    taken: list[str] = []
    with channel.subscribe() as first, channel.subscribe() as second:
        with first.offered_to(interrupt), second.offered_to(take):
            waiting = [asyncio.create_task(each.recv()) for each in (first, second)]
            await asyncio.sleep(0)
            with pytest.raises(KeyboardInterrupt):
                channel.send("one")
            channel.send("two")
            assert await asyncio.gather(*waiting) == ["one", "one"]
        assert (taken, first.try_recv(), second.try_recv()) == ([], "two", "two")


async def test_another_thread_is_told_how_to_send() -> None:
    channel = Channel[str](16)
    loop = asyncio.get_running_loop()
    with channel.subscribe() as receiver:
        waiting = asyncio.create_task(receiver.recv())
        await asyncio.sleep(0)
        with pytest.raises(WslabError, match=r"channel.send was called .* loop.call_soon_threadsafe\(channel.send,"):
            await asyncio.to_thread(channel.send, "lost")
        with pytest.raises(WslabError, match=r"loop.call_soon_threadsafe\(channel.close,"):
            await asyncio.to_thread(channel.close)
        await asyncio.to_thread(loop.call_soon_threadsafe, channel.send, "Hello")
        assert await waiting == "Hello"
        assert len(channel) == 0
