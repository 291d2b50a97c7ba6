"""Work done together: each item once, by whoever has the turn; a turn that fails leaves its items to the next."""

import asyncio
import threading
import time

import pytest

from carbonfin.storage import shared_work
from carbonfin.storage.shared_work import SharedWork, _Bringer, _Pile
from tests.loops import run_apart


def test_each_item_is_worked_on_once_before_its_bringer_goes_on() -> None:
    shared, done, missing = SharedWork(), [], []
    turns: list[int] = []

    def work(items: list[str]) -> None:
        turns.append(len(items))
        threading.Event().wait(0.002)
        done.extend(items)

    def bring(bringer: int) -> None:
        for number in range(20):
            item = f"{bringer}:{number}"
            shared.bring("x", [item], work)
            if item not in done:
                missing.append(item)

    threads = [threading.Thread(target=bring, args=(bringer,)) for bringer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missing == []
    assert sorted(done) == sorted(f"{bringer}:{number}" for bringer in range(8) for number in range(20))
    assert len(turns) < 160, "turns are shared"


def test_a_turn_that_fails_leaves_its_items_first_in_the_next() -> None:
    shared, done = SharedWork(), list[str]()

    def fail(_: list[str]) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        shared.bring("x", ["a"], fail)
    shared.bring("y", ["z"], done.extend)
    assert done == ["z"]
    shared.bring("x", ["b"], done.extend)
    assert done == ["z", "a", "b"]


def test_after_a_turn_that_fails_those_it_would_have_served_are_served_by_one_of_them() -> None:
    shared, done = SharedWork(), list[str]()
    begun, go_on = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def work(items: list[str]) -> None:
        if not begun.is_set():
            begun.set()
            go_on.wait(10)
            items += shared.more("x")
            raise RuntimeError
        done.extend(items)

    def bring(item: str) -> None:
        try:
            shared.bring("x", [item], work)
        except RuntimeError as failure:
            failures.append(failure)

    threads = [threading.Thread(target=bring, args=(item,)) for item in "abcd"]
    threads[0].start()
    assert begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    ends_at_s = time.monotonic() + 10
    while len(shared._piles["x"]._waiting) < 3 and time.monotonic() < ends_at_s:
        time.sleep(0.001)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert len(failures) == 1, "only he whose turn failed is told"
    assert done[0] == "a"
    assert sorted(done) == list("abcd")


def test_who_is_interrupted_while_he_waits_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """His item is worked on with the others', and where the turn had come to him it goes on."""

    class Interrupted(_Bringer):
        def __init__(self) -> None:
            super().__init__()
            self.asleep.release()  # who is woken by a signal does not sleep to the end
            self.asleep = _Interrupting()  # type: ignore[assignment]

    shared, done = SharedWork(), list[str]()
    pile = shared._piles.setdefault("x", _Pile())
    assert pile.turn_for(["a"]) == ["a"]
    with monkeypatch.context() as patched:
        patched.setattr("carbonfin.storage.shared_work._Bringer", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            pile.turn_for(["b"])
    pile.end()
    shared.bring("x", ["c"], done.extend)
    assert done == ["b", "c"]


class _Interrupting:
    def acquire(self) -> None:
        raise KeyboardInterrupt


def test_what_is_gathered_while_a_thread_works_is_worked_on_next_in_one_go() -> None:
    shared, batches = SharedWork(), list[list[int]]()
    begun, go_on = threading.Event(), threading.Event()

    def work(items: list[int]) -> None:
        batches.append(items)
        begun.set()
        assert go_on.wait(10)

    async def all_at_once() -> None:
        first = asyncio.create_task(shared.gather("x", 0, work))
        await asyncio.to_thread(begun.wait, 10)
        others = [asyncio.create_task(shared.gather("x", number, work)) for number in range(1, 20)]
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, *others)

    run_apart(all_at_once())
    assert batches == [[0], list(range(1, 20))]


class _Turns:
    """Work whose first turn goes on until it is let go, so that the others come meanwhile."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.shared = SharedWork()

    def work(self, items: list[int]) -> None:
        self.batches.append(items)
        self.begun.set()
        assert self.go_on.wait(10)

    def ask(self, number: int) -> "asyncio.Task[None]":
        return asyncio.create_task(self.shared.gather("x", number, self.work))

    async def serve_together(self, numbers: range) -> None:
        first = self.ask(numbers[0])
        await asyncio.to_thread(self.begun.wait, 10)
        others = [self.ask(number) for number in numbers[1:]]
        await asyncio.sleep(0)
        self.go_on.set()
        await asyncio.gather(first, *others)


def test_who_comes_back_first_waits_for_those_who_were_served_with_him(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = _Turns()

    async def come_back_one_by_one() -> None:
        await turns.serve_together(range(5))
        monkeypatch.setattr(shared_work, "_WAITS_FOR_OTHERS_S", 60.0)
        tasks = []
        for number in range(5, 9):
            tasks.append(turns.ask(number))
            await asyncio.sleep(0.02)  # a turn of the first alone would have begun
        await asyncio.wait_for(asyncio.gather(*tasks), 10)

    run_apart(come_back_one_by_one())
    assert turns.batches == [[0], [1, 2, 3, 4], [5, 6, 7, 8]]


def test_who_waits_in_vain_for_others_is_served_a_little_later_and_then_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = _Turns()

    async def come_back_alone() -> None:
        await turns.serve_together(range(3))
        await turns.ask(3)
        monkeypatch.setattr(shared_work, "_WAITS_FOR_OTHERS_S", 60.0)
        await asyncio.wait_for(turns.ask(4), 10)

    run_apart(come_back_alone())
    assert turns.batches == [[0], [1, 2], [3], [4]]


def test_all_whose_items_a_failing_work_had_are_told_and_the_next_is_served() -> None:
    shared = SharedWork()

    def work(items: list[str]) -> None:
        if "bad" in items:
            raise RuntimeError(items)

    async def ask() -> list[BaseException | None]:
        told = await asyncio.gather(*[shared.gather("x", one, work) for one in ("bad", "a")], return_exceptions=True)
        await shared.gather("x", "b", work)
        return told

    told = run_apart(ask())
    assert isinstance(told[0], RuntimeError)


def test_who_goes_away_while_he_waits_keeps_nobody_from_being_served() -> None:
    shared, done = SharedWork(), list[str]()
    begun, go_on = threading.Event(), threading.Event()

    def work(items: list[str]) -> None:
        begun.set()
        assert go_on.wait(10)
        done.extend(items)

    async def ask() -> None:
        first = asyncio.create_task(shared.gather("x", "a", work))
        await asyncio.to_thread(begun.wait, 10)
        gone, stays = [asyncio.create_task(shared.gather("x", one, work)) for one in ("b", "c")]
        await asyncio.sleep(0)
        gone.cancel()
        go_on.set()
        await asyncio.gather(first, stays)
        assert gone.cancelled()

    run_apart(ask())
    assert done == ["a", "b", "c"], "what he brought is worked on all the same"
