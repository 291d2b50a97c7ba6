"""The turn to write on SQLite: among threads, among processes, given back by who dies, and never waited for without end."""

import subprocess
import sys
import threading
import time
from pathlib import Path

from carbonfin.storage.writers_turn import ENDING, WritersTurn

_HOLDING = """
import sys, time
from carbonfin.storage.writers_turn import WritersTurn
turn = WritersTurn(sys.argv[1])
turn.take()
print("taken", flush=True)
time.sleep(60)
"""


def test_two_processes_do_not_have_the_turn_at_once(tmp_path: Path) -> None:
    """Two turns on one file stand for two processes: the kernel keeps them apart alike."""
    first, second = WritersTurn(str(tmp_path / "a.db")), WritersTurn(str(tmp_path / "a.db"))
    seen: list[str] = []
    first.take()

    def follow() -> None:
        second.take()
        seen.append("second")
        second.give_up()

    thread = threading.Thread(target=follow)
    thread.start()
    time.sleep(0.2)
    seen.append("first")
    first.give_up()
    thread.join(timeout=10)
    assert seen == ["first", "second"]
    first.take()
    first.give_up()


def test_who_waits_in_vain_goes_on_and_spoils_nothing(tmp_path: Path) -> None:
    first, second = WritersTurn(str(tmp_path / "a.db")), WritersTurn(str(tmp_path / "a.db"), patience_s=0.05)
    first.take()
    for _ in range(2):  # it gives up a turn it never had, and can wait again
        second.take()
        second.give_up()
    first.give_up()
    second.take()
    third = WritersTurn(str(tmp_path / "a.db"), patience_s=0.05)
    assert not third._taken_among_processes()
    second.give_up()
    assert third._taken_among_processes()


def test_a_process_that_dies_gives_the_turn_back(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    holder = subprocess.Popen([sys.executable, "-c", _HOLDING, path], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "taken\n"
    turn = WritersTurn(path)
    assert not turn._taken_among_processes()
    holder.kill()
    holder.wait(timeout=10)
    holder.stdout.close()
    assert turn._taken_among_processes()


def test_where_no_file_can_be_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    started = time.monotonic()
    turn = WritersTurn(str(tmp_path / "nowhere" / "a.db"))
    turn.take()
    turn.give_up()
    assert time.monotonic() - started < 5
    assert not (tmp_path / "nowhere").exists()


def test_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    turn = WritersTurn(str(tmp_path / "a.db"))
    turn.take()
    assert (tmp_path / f"a.db{ENDING}").stat().st_mode & 0o777 == 0o600
    turn.give_up()
