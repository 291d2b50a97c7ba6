"""Work that threads of one process do together: whoever has the turn does it for all who brought something before."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

I = TypeVar("I")  # noqa: E741 - items
_WAITS_FOR_OTHERS_S = 0.003  # about what a commit takes


class SharedWork:
    """Turns for each thing to be worked on; a turn takes all that was brought so far, and ends for all who brought it.

    Many who write at once so pay once for what must be done one after another. Processes do not share turns: what
    keeps them apart is the database.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._piles: dict[str, _Pile] = {}
        self._gathered: dict[str, _Gathering] = {}

    def bring(self, name: str, items: Sequence[I], work: Callable[[list[I]], None]) -> None:
        """Bring items, and return when they were worked on, by this thread or by another.

        Raises:
            Exception: What `work` raised in this thread; its items wait for the next turn.
        """
        with self._guard:
            pile = self._piles.setdefault(name, _Pile())
        taken = pile.turn_for(items)
        if taken is None:
            return
        try:
            work(taken)
        except BaseException:
            pile.put_back()
            raise
        pile.end()

    def more(self, name: str) -> list[Any]:
        """Give what was brought since the turn began, to be worked on in it; only who has the turn may ask.

        Work that first waits for something, such as the database's lock, so takes along all who came meanwhile.
        """
        return self._piles[name].take()

    async def gather(self, name: str, item: I, work: Callable[[list[I]], None]) -> None:
        """Bring an item from an event loop, and return when a thread worked on it, with those that came meanwhile.

        Nobody waits in a thread: one works, and the loop is woken once for all whom it served.

        Raises:
            Exception: What `work` raised; all whose items it had are told.
        """
        awaiting = _Awaiting(item, asyncio.get_running_loop())
        with self._guard:
            gathering = self._gathered.setdefault(name, _Gathering())
            gathering.waiting.append(awaiting)
            is_first = len(gathering.waiting) == 1
        self._begin_or_wait(gathering, work, may_wait=is_first)
        await awaiting.served

    def _begin_or_wait(self, gathering: "_Gathering", work: Callable[[list[I]], None], *, may_wait: bool) -> None:
        """Begin a turn when all who are expected are here; else the first to wait begins it a little later."""
        if gathering.are_all_here():
            self._begin(gathering, work)
        elif may_wait:
            loop = asyncio.get_running_loop()
            loop.call_later(_WAITS_FOR_OTHERS_S, self._begin, gathering, work)

    def _begin(self, gathering: "_Gathering", work: Callable[[list[I]], None]) -> None:
        """Have a thread work off what waits, unless one does: then those who wait are the next turn's."""
        with self._guard:
            taken = gathering.take()
        if taken:
            asyncio.get_running_loop().run_in_executor(None, self._work_off, gathering, taken, work)

    def _work_off(self, gathering: "_Gathering", taken: "list[_Awaiting]", work: Callable[[list[Any]], None]) -> None:
        error: BaseException | None = None
        try:
            work([one.item for one in taken])
        except BaseException as failure:  # noqa: BLE001 - it is raised where the item came from
            error = failure
        with self._guard:
            left = gathering.end(len(taken))
        for loop in dict.fromkeys(one.loop for one in taken):
            with suppress(RuntimeError):  # a loop that has ended, and with it whoever waited there
                loop.call_soon_threadsafe(_wake, [one.served for one in taken if one.loop is loop], error)
        for one in left:
            with suppress(RuntimeError):
                one.loop.call_soon_threadsafe(partial(self._begin_or_wait, gathering, work, may_wait=True))
                break


class _Gathering:
    """Who waits in event loops for one kind of work, and how many are expected to come together."""

    def __init__(self) -> None:
        self.waiting: list[_Awaiting] = []
        self._is_worked_on = False
        self._expected = 1

    def are_all_here(self) -> bool:
        """Tell whether a turn need not wait for others.

        Whoever was answered last, and whoever came meanwhile, is likely to ask again: a turn for the first of them
        alone would keep all others waiting for its commit. Who is alone never waits.
        """
        return len(self.waiting) >= self._expected

    def take(self) -> "list[_Awaiting]":
        """Take all who wait for a turn; nobody while another is on."""
        if self._is_worked_on:
            return []
        taken, self.waiting = self.waiting, []
        self._is_worked_on = bool(taken)
        return taken

    def end(self, served_count: int) -> "list[_Awaiting]":
        """End a turn, and give who waits for the next."""
        self._is_worked_on = False
        self._expected = served_count + len(self.waiting)
        return list(self.waiting)


class _Awaiting:
    """An item that waits in an event loop."""

    def __init__(self, item: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.item = item
        self.loop = loop
        self.served: asyncio.Future[None] = loop.create_future()


def _wake(served: Sequence["asyncio.Future[None]"], error: BaseException | None) -> None:
    for one in served:
        if one.done():  # whoever waited has gone
            continue
        if error is None:
            one.set_result(None)
        else:
            one.set_exception(error)


class _Bringer:
    """One who waits: asleep until served, or until the turn is his."""

    def __init__(self) -> None:
        self.asleep = threading.Lock()
        self.asleep.acquire()
        self.is_served = False


class _Pile:
    """What was brought and not yet taken, and who waits: for the turn that is on, or for the next."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._items: list[Any] = []
        self._taken: list[Any] = []
        self._waiting: deque[_Bringer] = deque()
        self._being_served: list[_Bringer] = []
        self._is_worked_on = False

    def turn_for(self, items: Sequence[Any]) -> list[Any] | None:
        """Add items and wait for the turn: what to work on; None where another turn served them."""
        with self._guard:
            self._items += items
            if not self._is_worked_on:
                self._is_worked_on = True
                return self._take()
            me = _Bringer()
            self._waiting.append(me)
        self._sleep(me)
        return None if me.is_served else self.take()

    def _sleep(self, me: _Bringer) -> None:
        """Wait to be woken; who is interrupted leaves his items to the others, and the turn if it has come to him."""
        try:
            me.asleep.acquire()
        except BaseException:
            with self._guard:
                if me in self._waiting:
                    self._waiting.remove(me)
                elif me in self._being_served:
                    self._being_served.remove(me)
                elif not me.is_served:
                    self._hand_over()
            raise

    def take(self) -> list[Any]:
        """Take what was brought so far; who brought it is served when the turn ends."""
        with self._guard:
            return self._take()

    def _take(self) -> list[Any]:
        new, self._items = self._items, []
        self._taken += new
        self._being_served += self._waiting
        self._waiting.clear()
        return new

    def end(self) -> None:
        """Wake who was served, and one who came since: all others sleep on, and cost nothing."""
        with self._guard:
            served, self._being_served, self._taken = self._being_served, [], []
            for one in served:
                one.is_served = True
                one.asleep.release()
            self._hand_over()

    def put_back(self) -> None:
        """Leave what was taken to the next turn, before what came since."""
        with self._guard:
            self._items[:0] = self._taken
            self._waiting.extendleft(reversed(self._being_served))
            self._taken, self._being_served = [], []
            self._hand_over()

    def _hand_over(self) -> None:
        self._is_worked_on = bool(self._waiting)
        if self._waiting:
            self._waiting.popleft().asleep.release()
