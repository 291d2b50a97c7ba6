"""Upgrades the database named in the environment and dies by `kill -9` after so many statements, as a machine does."""

import os
import signal
import sys
from typing import Any

import sqlalchemy as sa

from carbonfin.app.settings import settings_from
from carbonfin.storage.engine import open_engine
from carbonfin.storage.schema import upgrade


def main(statements_max: int) -> None:
    """Upgrade, and die on the way."""
    engine = open_engine(settings_from().database_url)
    left = statements_max

    @sa.event.listens_for(engine, "after_cursor_execute")
    def die_in_time(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    upgrade(engine)


if __name__ == "__main__":
    main(int(sys.argv[1]))
