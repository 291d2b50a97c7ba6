"""Work done together: each item once, by whoever has the turn; a turn that fails leaves its items to the next."""

import threading
import time

import pytest

from carbonfin.storage.shared_work import SharedWork, _Bringer, _Pile


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
