"""Work that threads of one process do together: whoever has the turn does it for all who brought something before."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

I = TypeVar("I")  # noqa: E741 - items


class SharedWork:
    """Turns for each thing to be worked on; a turn takes all that was brought so far, and ends for all who brought it.

    Many who write at once so pay once for what must be done one after another. Processes do not share turns: what
    keeps them apart is the database.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._piles: dict[str, _Pile] = {}

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


class _Pile:
    """What was brought and not yet taken, and how many bringers there were, are being served and were served."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: list[Any] = []
        self._taken: list[Any] = []
        self._brought = 0
        self._being_served = 0
        self._served = 0
        self._is_worked_on = False

    def turn_for(self, items: Sequence[Any]) -> list[Any] | None:
        """Add items and wait for the turn: what to work on; None where another turn served them."""
        with self._changed:
            self._items += items
            self._brought += 1
            mine = self._brought
            # All who wait wake at once when a turn ends; taking a lock one after another would make them queue again.
            self._changed.wait_for(lambda: self._served >= mine or not self._is_worked_on)
            if self._served >= mine:
                return None
            self._is_worked_on = True
            return self.take()

    def take(self) -> list[Any]:
        with self._changed:
            new, self._items = self._items, []
            self._taken += new
            self._being_served = self._brought
            return new

    def end(self) -> None:
        with self._changed:
            self._served = self._being_served
            self._taken = []
            self._is_worked_on = False
            self._changed.notify_all()

    def put_back(self) -> None:
        with self._changed:
            self._items[:0] = self._taken
            self._taken = []
            self._is_worked_on = False
            self._changed.notify_all()
