"""The life of an actor: its hooks in order, one at a time, and who survives what."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import weakref

import pytest
from leaks import nothing_is_left  # noqa: F401

from wslab.actor import Actor, Context, Running
from wslab.errors import (
    ActorFailedError,
    DeadlockError,
    MailboxClosedError,
    MailboxFullError,
    UnhandledMessageError,
    WslabError,
)
from wslab.mailbox import Address


class Diary(Actor[Context]):
    """Notes every hook, and does what a message says."""

    def __init__(self, veto: bool = False, fails_in: str = "") -> None:
        self.notes: list[object] = []
        self.veto = veto
        self.fails_in = fails_in
        self.gate = asyncio.Event()

    def note(self, hook: object) -> None:
        self.notes.append(hook)
        if hook == self.fails_in:
            raise ValueError("on purpose")

    async def started(self, ctx: Context) -> None:
        self.note("started")

    async def handle(self, message: object, ctx: Context) -> object:
        self.note(message)
        if message == "wait":
            await self.gate.wait()
        if message == "stop":
            ctx.stop()
        return f"{message} done"

    async def restarting(self, ctx: Context) -> None:
        self.note("restarting")

    async def stopping(self, ctx: Context) -> Running:
        self.note("stopping")
        return Running.CONTINUE if self.veto else Running.STOP

    async def stopped(self, ctx: Context) -> None:
        self.note("stopped")


async def test_hooks_come_in_order_and_send_gives_the_answer() -> None:
    diary = Diary()
    async with diary.start() as address:
        assert await address.send("Hello") == "Hello done"
    assert diary.notes == ["started", "Hello", "stopping", "stopped"]


async def test_do_send_leaves_a_message_for_later() -> None:
    diary = Diary()
    async with diary.start() as address:
        address.do_send("first")
        assert "first" not in diary.notes
        await address.send("second")
    assert diary.notes[1:3] == ["first", "second"]


async def test_another_thread_is_told_how_to_reach_an_actor() -> None:
    diary = Diary()
    loop = asyncio.get_running_loop()

    async def ask() -> None:
        async with asyncio.timeout(5):  # unchecked, it would wait for ever, and its thread with it
            await address.send("unanswered")

    async with diary.start() as address:
        await address.send("first")
        with pytest.raises(
            WslabError, match=r"address.do_send was called .* loop.call_soon_threadsafe\(address.do_send,"
        ):
            await asyncio.to_thread(address.do_send, "lost")
        with pytest.raises(WslabError, match=r"asyncio.run_coroutine_threadsafe\(address.send\(...\), loop\)"):
            await asyncio.to_thread(asyncio.run, ask())
        with pytest.raises(WslabError, match=r"loop.call_soon_threadsafe\(address.stop, ...\)"):
            await asyncio.to_thread(address.stop)
        await asyncio.to_thread(loop.call_soon_threadsafe, address.do_send, "second")
        assert await address.send("third") == "third done"
    assert diary.notes[1:4] == ["first", "second", "third"]


def test_between_two_runs_of_its_loop_an_actor_takes_messages() -> None:
    diary = Diary()
    with asyncio.Runner() as runner:

        async def start() -> Address:
            address = diary.start()
            await address.send("first")
            return address

        address = runner.run(start())
        address.do_send("second")
        assert runner.run(address.send("third")) == "third done"
    assert diary.notes[1:4] == ["first", "second", "third"]


async def test_messages_wait_while_one_is_handled() -> None:
    diary = Diary()
    async with diary.start() as address:
        slow = asyncio.create_task(address.send("wait"))
        quick = asyncio.create_task(address.send("quick"))
        while "wait" not in diary.notes:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert "quick" not in diary.notes
        diary.gate.set()
        assert await asyncio.gather(slow, quick) == ["wait done", "quick done"]


async def test_an_actor_with_much_to_do_lets_the_others_run() -> None:
    class Teller(Diary):
        async def handle(self, message: object, ctx: Context) -> object:
            other.do_send(message)
            return await super().handle(message, ctx)

    class Brief(Diary):
        mailbox_capacity = 1

    brief = Brief()
    async with brief.start() as other, Teller().start() as address:
        for number in range(Teller.mailbox_capacity):
            address.do_send(number)
        await address.send("last")
    assert brief.notes[1:-2] == [*range(Teller.mailbox_capacity), "last"]


async def test_a_busy_actor_s_mailbox_gets_full() -> None:
    diary = Diary()
    async with diary.start() as address:
        slow = asyncio.create_task(address.send("wait"))
        while "wait" not in diary.notes:  # noqa: ASYNC110
            await asyncio.sleep(0)
        for number in range(Diary.mailbox_capacity):
            address.do_send(number)
        with pytest.raises(MailboxFullError):
            address.do_send("one too many")
        diary.gate.set()
        await slow
        await address.send("last")
    assert diary.notes[2:-3] == list(range(Diary.mailbox_capacity))


async def test_an_actor_stops_itself_and_refuses_what_waits() -> None:
    diary = Diary()
    address = diary.start()
    stopping, late = asyncio.create_task(address.send("stop")), asyncio.create_task(address.send("late"))
    assert await stopping == "stop done"
    with pytest.raises(MailboxClosedError):
        await late
    await address.wait_stopped()
    assert diary.notes == ["started", "stop", "stopping", "stopped"]


async def test_stopping_may_veto_what_the_actor_asked_for() -> None:
    diary = Diary(veto=True)
    async with diary.start() as address:
        await address.send("stop")
        assert await address.send("still here") == "still here done"
    assert diary.notes == ["started", "stop", "stopping", "still here", "stopping", "stopped"]


async def test_there_is_no_veto_against_a_stop_from_outside() -> None:
    diary = Diary(veto=True)
    async with diary.start() as address:
        await address.send("Hello")
    assert diary.notes[-2:] == ["stopping", "stopped"]


async def test_an_actor_may_stop_before_its_first_message() -> None:
    class Shy(Diary):
        async def started(self, ctx: Context) -> None:
            ctx.stop()

    shy = Shy()
    await shy.start().wait_stopped()
    assert shy.notes == ["stopping", "stopped"]


async def test_a_message_that_fails_is_lost_and_the_actor_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    diary = Diary(fails_in="bad")
    async with diary.start() as address:
        with pytest.raises(ActorFailedError, match="Diary failed on a message of type str") as caught:
            await address.send("bad")
        assert repr(caught.value.__cause__) == "ValueError('on purpose')"
        assert caught.value.message == "bad"
        address.do_send("bad")
        assert await address.send("good") == "good done"
    assert diary.notes[:-2] == ["started", "bad", "restarting", "bad", "restarting", "good"]
    assert [record.getMessage() for record in caplog.records] == ["Diary failed on a message of type str"] * 2


@pytest.mark.parametrize("hook", ["started", "restarting", "stopping", "stopped"])
async def test_another_hook_that_fails_stops_the_actor_for_good(hook: str, caplog: pytest.LogCaptureFixture) -> None:
    class Fragile(Diary):
        async def handle(self, message: object, ctx: Context) -> object:
            if message == "bad":
                raise KeyError(message)
            return await super().handle(message, ctx)

    diary = Fragile(fails_in=hook)
    address = diary.start()
    address.do_send("bad" if hook == "restarting" else "stop")
    await address.wait_stopped()
    with pytest.raises(MailboxClosedError):
        address.do_send("Hello")
    assert diary.notes[-1] == "stopped"
    await asyncio.sleep(0)
    assert caplog.records[-1].getMessage() == "Fragile failed and has stopped"


async def test_a_sender_learns_that_an_actor_was_cancelled_in_the_middle() -> None:
    diary = Diary()
    before = asyncio.all_tasks()
    address = diary.start()
    (life,) = asyncio.all_tasks() - before
    waiting = asyncio.create_task(address.send("wait"))
    while "wait" not in diary.notes:  # noqa: ASYNC110
        await asyncio.sleep(0)
    life.cancel()
    with pytest.raises(MailboxClosedError):
        await waiting
    await address.wait_stopped()
    assert diary.notes[-1] == "stopped"


async def test_a_failure_keeps_nobody_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    class Asker(Diary):
        async def handle(self, message: Address, ctx: Context) -> object:
            return await message.send("bad")

    monkeypatch.setattr(logging.getLogger("wslab.actors"), "disabled", True)  # pytest keeps what is logged
    gc.disable()
    try:
        actors: list[Actor[Context]] = [Diary(fails_in="bad"), Asker()]
        known = [weakref.ref(actor) for actor in actors]
        async with actors.pop(0).start() as diary, actors.pop().start() as asker:
            with contextlib.suppress(ActorFailedError):
                await asker.send(diary)
        del diary, asker
        await asyncio.sleep(0)
        assert [each() for each in known] == [None, None]
    finally:
        gc.enable()


async def test_what_is_cancelled_in_a_hook_does_not_end_the_actor(caplog: pytest.LogCaptureFixture) -> None:
    class Patient(Diary):
        async def handle(self, message: object, ctx: Context) -> object:
            if message == "cancelled":
                waiting = asyncio.get_running_loop().create_future()
                waiting.cancel()
                await waiting
            return await super().handle(message, ctx)

    async with Patient().start() as address:
        with pytest.raises(ActorFailedError) as caught:
            await address.send("cancelled")
        assert "something that a hook of Patient waited for was cancelled" in str(caught.value.__cause__)
        assert await address.send("still here") == "still here done"
    assert [record.getMessage() for record in caplog.records] == ["Patient failed on a message of type str"]


async def test_an_actor_that_waits_for_itself_is_told() -> None:
    class Narcissus(Actor[Context]):
        async def handle(self, message: object, ctx: Context) -> object:
            return await ctx.address.send(message)

    async with Narcissus().start() as address:
        with pytest.raises(ActorFailedError) as caught:
            await address.send("Who is the fairest?")
        assert isinstance(caught.value.__cause__, DeadlockError)
        assert "Narcissus waits for its own answer" in str(caught.value.__cause__)


@pytest.mark.parametrize("hook", ["started", "handle"])
async def test_actors_that_wait_for_each_other_are_told(hook: str) -> None:
    class Host(Actor[Context]):
        async def handle(self, guest: Address, ctx: Context) -> object:
            return await guest.send("Welcome")

    class Guest(Actor[Context]):
        async def started(self, ctx: Context) -> None:
            if hook == "started":
                notes.append(await self.greet(ctx))

        async def handle(self, message: object, ctx: Context) -> object:
            return await self.greet(ctx)

        async def greet(self, ctx: Context) -> str:
            with pytest.raises(ActorFailedError) as caught:
                await host.send(ctx.address)
            return str(caught.value.__cause__)

    notes: list[object] = []
    async with Host().start() as host, Guest().start() as guest:
        notes.append(await guest.send("Hello"))
        assert "Host waits for Guest, which waits for Host" in str(notes[0])


async def test_a_hook_may_leave_it_to_another_task_to_send_to_its_own_actor() -> None:
    class Reminder(Diary):
        async def handle(self, message: object, ctx: Context) -> object:
            if message == "later":
                tasks.append(asyncio.create_task(ctx.address.send("now")))
            return await super().handle(message, ctx)

    tasks: list[asyncio.Task[object]] = []
    async with Reminder().start() as address:
        await address.send("later")
        assert await tasks[0] == "now done"


async def test_an_actor_without_handle_says_what_it_lacks() -> None:
    async with Actor[Context]().start() as address:
        with pytest.raises(ActorFailedError) as caught:
            await address.send(7)
    assert isinstance(caught.value.__cause__, UnhandledMessageError)
    assert "Actor does not handle messages of type int" in str(caught.value.__cause__)


async def test_actors_know_each_other_by_address_only() -> None:
    class Pupil(Actor[Context]):
        def __init__(self, teacher: Address) -> None:
            self.teacher = teacher

        async def handle(self, message: object, ctx: Context) -> object:
            return await self.teacher.send((message, ctx.address))

    class Teacher(Actor[Context]):
        async def handle(self, message: tuple[str, Address], ctx: Context) -> str:
            question, pupil = message
            return f"{question} answered for {pupil!r}"

    async with Teacher().start() as teacher, Pupil(teacher).start() as pupil:
        assert await pupil.send("Why?") == "Why? answered for <wslab address of Pupil, 0 waiting, capacity 16>"


# Who forgets an actor ends it.


async def test_an_actor_that_nobody_can_reach_handles_what_waits_and_stops() -> None:
    diary = Diary(veto=True)
    address = diary.start()
    address.do_send("first")
    address.do_send("second")
    ended = address._mailbox.ended
    del address
    await ended.wait()
    assert diary.notes == ["started", "first", "second", "stopping", "stopped"]


async def test_an_actor_that_waits_notices_that_it_is_forgotten() -> None:
    diary = Diary()
    address = diary.start()
    await address.send("Hello")
    ended = address._mailbox.ended
    del address
    await ended.wait()
    assert diary.notes[-1] == "stopped"


async def test_an_actor_is_not_forgotten_while_anybody_has_its_address() -> None:
    class Generous(Diary):
        async def handle(self, message: object, ctx: Context) -> object:
            await super().handle(message, ctx)
            return ctx.address

    generous = Generous()
    address = generous.start()
    asking = asyncio.create_task(address.send("wait"))
    await asyncio.sleep(0)
    del address  # but whoever asks has it meanwhile
    generous.gate.set()
    again = await asking
    assert await again.send("still there?") is again
    again.stop()
    await again.wait_stopped()


async def test_an_actor_may_give_itself_away_when_it_was_forgotten_already() -> None:
    class Shy(Diary):
        async def handle(self, message: object, ctx: Context) -> object:
            await super().handle(message, ctx)
            found.append(ctx.address)
            return None

    found: list[Address] = []
    Shy().start().do_send("Hello")
    while not found:  # noqa: ASYNC110
        await asyncio.sleep(0)
    async with found.pop() as address:
        assert address.connected
        await address.send("again")


async def test_the_collector_may_forget_an_actor_in_another_thread() -> None:
    diary = Diary()
    cycle: list[object] = [diary.start()]
    await asyncio.sleep(0)
    cycle.append(cycle)
    ended = cycle[0]._mailbox.ended  # type: ignore[attr-defined]
    gc.disable()
    try:
        del cycle
        await asyncio.to_thread(gc.collect)
    finally:
        gc.enable()
    await ended.wait()
    assert diary.notes[-1] == "stopped"


def test_an_address_may_outlive_the_loop() -> None:
    async def started() -> Address:
        address = Diary().start()
        await address.send("Hello")
        return address

    address = asyncio.run(started())
    assert not address.connected
    del address
