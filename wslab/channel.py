"""Own the channel: each value to every receiver, in bounded memory; a receiver that falls behind is told by how much.

It behaves as tokio::sync::broadcast does (tokio 1.54). Every value has a number, counted from 0. The channel keeps
the newest, and a receiver is little more than the number that it reads next:

    next to read      sent - capacity         sent
         |                   |                  |
    0 ...x===================o==================+
          overwritten: Lagged     still kept
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

from .errors import ChannelClosed, ChannelEmpty, Lagged, NoReceiversError, WslabError
from .own_loop import check_loop

__all__ = ["Channel", "Receiver"]

T = TypeVar("T")


@dataclass(slots=True)
class _Kept(Generic[T]):
    """A value, and how many receivers have yet to see it."""

    value: T
    unseen_by: int = 0


class Channel(Generic[T]):
    """A bounded broadcast channel: whoever has subscribed receives all that is sent from then on.

    The sender never waits. Where a receiver is too slow, the oldest values are overwritten, and it gets `Lagged`. A
    channel belongs to one event loop: another thread sends with `loop.call_soon_threadsafe(channel.send, value)`.

    Args:
        capacity: How many values are kept at most, from 1; rounded up to a power of two, as tokio does.

    Attributes:
        capacity: How many values are kept at most, after rounding.

    Raises:
        WslabError: The capacity is not a whole number from 1.

    Example:
        channel = Channel(16)
        with channel.subscribe() as receiver:
            channel.send("Hello")
            await receiver.recv()
    """

    def __init__(self, capacity: int) -> None:
        if not isinstance(capacity, int) or capacity < 1:
            raise WslabError(f"a channel cannot keep {capacity!r} values", "a whole number from 1", "give a capacity")
        self.capacity = 1 << (capacity - 1).bit_length()
        self._sent = 0
        self._kept: dict[int, _Kept[T]] = {}
        self._receiver_count = 0
        self._waiting: dict[Receiver[T], asyncio.Future[None]] = {}
        self._closed = False

    @property
    def receiver_count(self) -> int:
        """How many receivers are subscribed."""
        return self._receiver_count

    def subscribe(self) -> Receiver[T]:
        """Make a receiver of all that is sent from now on; on a closed channel that is nothing."""
        self._receiver_count += 1
        return Receiver(self)

    def send(self, value: T) -> int:
        """Give a value to all receivers, without waiting for any of them.

        It costs the same for one receiver as for thousands, but for those that wait in `recv`: each is woken, or handed
        the value at once by way of `offered_to`.

        Args:
            value: Anything; all receivers share it.

        Returns:
            How many receivers are subscribed. Those that leave or lag before they read the value do not see it.

        Raises:
            NoReceiversError: Nobody is subscribed; the error holds the value.
            ChannelClosed: The channel has been closed.
            WslabError: Receivers wait on an event loop that another thread runs.
        """
        if self._closed:
            raise ChannelClosed("channel")
        if not self._receiver_count:
            raise NoReceiversError(value)
        self._check_loop("channel.send")
        number = self._sent
        kept = self._kept[number] = _Kept(value)
        self._sent += 1
        # Not earlier: on any line above, a receiver that was forgotten may be collected, and so leave.
        kept.unseen_by = self._receiver_count
        self._kept.pop(number - self.capacity, None)
        for receiver, waiter in list(self._waiting.items()):
            if not receiver._takes(value, waiter):
                _wake(waiter)
        return self._receiver_count

    def close(self) -> None:
        """End the channel: its receivers get what is kept for them, then `ChannelClosed`.

        Raises:
            WslabError: Receivers wait on an event loop that another thread runs.
        """
        self._check_loop("channel.close")
        self._closed = True
        for waiter in self._waiting.values():
            _wake(waiter)

    def _check_loop(self, call: str) -> None:
        for waiter in self._waiting.values():
            check_loop(waiter.get_loop(), call)
            break  # one speaks for all, as they wait on the same loop

    def __len__(self) -> int:
        """Count the values that some receiver has yet to see; at most `capacity`."""
        return len(self._kept)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<wslab channel, {state}, keeps {len(self)} of {self.capacity}, receivers: {self._receiver_count}>"

    def _see(self, number: int) -> T:
        """Give the value to one more receiver; what the last has seen is let go."""
        kept = self._kept[number]
        kept.unseen_by -= 1
        if kept.unseen_by == 0:
            del self._kept[number]
        return kept.value


class Receiver(Generic[T]):
    """One reader of a channel, made by `Channel.subscribe`. Leaving its `with` block unsubscribes it.

    Example:
        with channel.subscribe() as receiver:
            async for value in receiver:
                await websocket.send(value)
    """

    def __init__(self, channel: Channel[T]) -> None:
        self._channel = channel
        self._next = channel._sent
        self._receiving = False
        self._closed = False
        self._take: Callable[[T], bool] | None = None

    async def recv(self) -> T:
        """Wait for the next value. Cancelled, it has taken none.

        Raises:
            Lagged: Values were overwritten before they were read. The next call goes on at the oldest one kept.
            ChannelClosed: All that was kept has been received, and no more will come; or this receiver was closed.
            WslabError: Another task is waiting here already.
        """
        if self._receiving:
            raise _two_at_once()
        self._receiving = True
        try:
            while not (len(self) or self._closed or self._channel._closed):
                await self._news()
        finally:
            self._receiving = False
        return self.try_recv()

    def try_recv(self) -> T:
        """Take the next value if there is one.

        Raises:
            ChannelEmpty: All that was sent so far has been received.
            Lagged: As `recv` does.
            ChannelClosed: As `recv` does.
        """
        channel = self._channel
        if self._closed:
            raise ChannelClosed("receiver")
        if not len(self):
            raise ChannelClosed("channel") if channel._closed else ChannelEmpty()
        missed_count = channel._sent - channel.capacity - self._next
        if missed_count > 0:
            self._next += missed_count
            raise Lagged(missed_count)
        self._next += 1
        return channel._see(self._next - 1)

    def resubscribe(self) -> Receiver[T]:
        """Make another receiver of the same channel; it begins with what is sent from now on."""
        return self._channel.subscribe()

    @contextmanager
    def offered_to(self, take: Callable[[T], bool]) -> Iterator[None]:
        """While the block runs, offer each value to `take` before whoever waits in `recv` is woken for it.

        Waking a task costs more than most takers do: this is for what can be done at once, such as a write.

        Args:
            take: Called in `Channel.send`, if all earlier values have been received; gives whether the value counts as
                received. It must neither raise nor use this channel.

        Raises:
            WslabError: The values are offered to another already.
        """
        if self._take is not None:
            raise _two_at_once()
        self._take = take
        try:
            yield
        finally:
            self._take = None

    def close(self) -> None:
        """Unsubscribe; what was not read counts as seen, and whoever waits here gets `ChannelClosed`."""
        if self._closed:
            return
        channel, first_kept = self._channel, self._channel._sent - self._channel.capacity
        self._closed = True
        channel._receiver_count -= 1
        for number in range(max(self._next, first_kept), channel._sent):
            channel._see(number)
        if waiter := channel._waiting.pop(self, None):
            _wake(waiter)

    def _takes(self, value: T, waiter: asyncio.Future[None]) -> bool:
        """Receive the value just sent, for which the waiter waits, if it can be taken at once."""
        if self._take is None or waiter.done() or len(self) != 1 or not self._take(value):
            return False
        self._channel._see(self._next)
        self._next += 1
        return True

    async def _news(self) -> None:
        waiter = self._channel._waiting[self] = asyncio.get_running_loop().create_future()
        try:
            await waiter
        finally:
            self._channel._waiting.pop(self, None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        try:
            return await self.recv()
        except ChannelClosed:
            raise StopAsyncIteration from None

    def __len__(self) -> int:
        """Count what was sent and not yet received; more than the channel's capacity means that `Lagged` comes next."""
        return 0 if self._closed else self._channel._sent - self._next

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()  # what is forgotten unsubscribes too, as what is dropped does in Rust

    def __repr__(self) -> str:
        return f"<wslab receiver, {'closed' if self._closed else 'open'}, unread: {len(self)}>"


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():  # cancelled a moment ago, it may still be on the list
        waiter.set_result(None)


def _two_at_once() -> WslabError:
    return WslabError(
        "two tasks receive from one receiver at once",
        "a receiver for each task",
        "give the second one its own, with receiver.resubscribe()",
    )
