"""The server process: how many workers, how patient with slow clients, and how it stops."""

import os
import tempfile

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server import MPServer

APPLICATION = "carbonfin.app.serving:application"
HEADER_MS_MAX = 10_000
STOP_SECONDS_MAX = 30
MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def server_for(*, host: str, port: int, workers: int, target: str = APPLICATION) -> MPServer:
    """Give the server; told to stop, it takes no more requests and answers what it has begun, for half a minute.

    Args:
        host: Address to listen on.
        port: Port to listen on.
        workers: Processes; their measures are added up through a folder that is made here.
        target: What makes the application in each process.
    """
    if workers > 1 and MULTIPROCESS_FOLDER not in os.environ:
        os.environ[MULTIPROCESS_FOLDER] = tempfile.mkdtemp(prefix="carbonfin-metrics-")
    return MPServer(
        target,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        factory=True,
        websockets=False,
        log_enabled=False,
        blocking_threads=1,
        workers_kill_timeout=STOP_SECONDS_MAX,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS_MAX),
    )
