"""Work done together: each item once, by whoever has the turn; a turn that fails leaves its items to the next."""

import threading

import pytest

from carbonfin.storage.shared_work import SharedWork


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
