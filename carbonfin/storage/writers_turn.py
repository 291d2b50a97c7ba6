"""Whose turn it is to write on SQLite, which has one writer at a time.

Only the database's own lock keeps writers apart; but who waits for that lock sleeps and asks again, ever more seldom,
up to a tenth of a second. So threads of one process wait for one another here, where the next one starts at once, and
processes of one machine by a lock on a file beside the database, which they ask for often. The kernel gives the lock
back when a process dies. Where there is no such file (a read-only folder), or a writer that knows nothing of turns, the
database's own lock still holds.
"""

import fcntl
import os
import threading
import time
from contextlib import suppress

PATIENCE_S = 10.0
ENDING = "-turn"
_ASKED_EVERY_S = 0.0002
_ASKED_EVERY_S_MAX = 0.002


class WritersTurn:
    """The turn among the threads of one process, and of that process among others."""

    def __init__(self, database: str, *, patience_s: float = PATIENCE_S) -> None:
        """Wait for the turn on a database's file for so long at most."""
        self._lock = threading.Lock()
        self._taken_by: int | None = None
        self._patience_s = patience_s
        self._path = f"{database}{ENDING}"
        self._file: int | None = None

    def take(self) -> None:
        """Wait for the turn; when patience ends, go and let the database's lock say no."""
        me, ends_at_s = threading.get_ident(), time.monotonic() + self._patience_s
        if self._taken_by == me or not self._lock.acquire(timeout=self._patience_s):
            return
        self._taken_by = me
        pause_s = _ASKED_EVERY_S
        while not self._taken_among_processes() and time.monotonic() < ends_at_s:
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.25, _ASKED_EVERY_S_MAX)

    def give_up(self) -> None:
        """Let the next one write, if the turn was this thread's."""
        if self._taken_by != threading.get_ident():
            return
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._taken_by = None
        self._lock.release()

    def _taken_among_processes(self) -> bool:
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no such folder, or one that takes no file: there is no turn to wait for
            return True
        return True

    def __del__(self) -> None:
        """Close the file; without it the lock is given back when the process ends."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
