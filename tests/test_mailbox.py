"""What waits for an actor: in order, bounded, answered or refused, never lost in silence."""

from __future__ import annotations

import asyncio

import pytest
from leaks import nothing_is_left  # noqa: F401

from wslab.errors import MailboxClosedError, MailboxFullError, WslabError
from wslab.mailbox import Address, Envelope, Mailbox


def full_mailbox(capacity: int = 2) -> Mailbox:
    mailbox = Mailbox("Lobby", capacity)
    for number in range(capacity):
        mailbox.post("handle", number)
    return mailbox


async def taken(mailbox: Mailbox) -> Envelope | None:
    """Take out the next message as an actor does."""
    return mailbox.take() if await mailbox.has_mail() else None


async def message_in(mailbox: Mailbox) -> object:
    envelope = await taken(mailbox)
    assert envelope is not None
    return envelope.message


async def asking(mailbox: Mailbox, message: object) -> asyncio.Task[object]:
    """Let a task of its own send a message, and let it come as far as the mailbox."""
    task = asyncio.create_task(Address(mailbox).send(message))
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("capacity", [0, -1, 1.5, None])
async def test_a_capacity_is_a_whole_number_from_1(capacity: object) -> None:
    with pytest.raises(WslabError, match="the mailbox of Lobby has the capacity"):
        Mailbox("Lobby", capacity)  # type: ignore[arg-type]


async def test_messages_come_out_in_order() -> None:
    mailbox = full_mailbox(3)
    assert [await message_in(mailbox) for _ in range(3)] == [0, 1, 2]


async def test_do_send_to_a_full_mailbox_says_so_and_puts_nothing_in() -> None:
    mailbox = full_mailbox(2)
    with pytest.raises(MailboxFullError, match=r"the mailbox of Lobby is full.*fewer than 2") as caught:
        Address(mailbox).do_send("one too many")
    assert (caught.value.actor, caught.value.capacity, len(mailbox)) == ("Lobby", 2, 2)


async def test_a_taken_message_makes_room() -> None:
    mailbox = full_mailbox(2)
    await taken(mailbox)
    mailbox.post("handle", "one more")
    assert len(mailbox) == 2


async def test_send_to_a_full_mailbox_waits_in_line_for_its_answer() -> None:
    mailbox = full_mailbox(1)
    task = await asking(mailbox, "question")
    await taken(mailbox)
    envelope = await taken(mailbox)
    assert envelope is not None
    assert (envelope.message, task.done()) == ("question", False)
    envelope.reply("answer")
    assert await task == "answer"


async def test_a_send_that_is_cancelled_is_not_handled() -> None:
    mailbox = Mailbox("Lobby", 1)
    task = await asking(mailbox, "never mind")
    task.cancel()
    await asyncio.wait({task})
    other = await asking(mailbox, "next")
    envelope = await taken(mailbox)
    assert envelope is not None
    assert envelope.message == "next"
    envelope.reply(None)
    await other


async def test_closing_refuses_what_waits_and_what_comes_and_ends_the_reading() -> None:
    mailbox = full_mailbox(2)
    task = await asking(mailbox, "question")
    mailbox.close()
    with pytest.raises(MailboxClosedError, match="Lobby has stopped"):
        await task
    with pytest.raises(MailboxClosedError):
        mailbox.post("handle", "late")
    with pytest.raises(MailboxClosedError):
        await mailbox.ask("handle", "late")
    assert await taken(mailbox) is None


async def test_closing_wakes_an_actor_that_waits() -> None:
    mailbox = Mailbox("Lobby", 1)
    reading = asyncio.create_task(taken(mailbox))
    await asyncio.sleep(0)
    mailbox.close()
    assert await reading is None


async def test_an_address_shows_what_waits() -> None:
    mailbox = full_mailbox(2)
    address = Address(mailbox)
    assert repr(address) == "<wslab address of Lobby, 2 waiting, capacity 2>"
    assert address.connected
    address.stop()
    assert repr(address) == "<wslab address of Lobby, stopped>"
    assert not address.connected
