"""What the server process loads: the application from the environment's settings."""

from litestar import Litestar

from carbonfin.app.factory import create_app
from carbonfin.app.logs import open_logs
from carbonfin.app.settings import settings_from


def application() -> Litestar:
    """Make the application of this process."""
    open_logs()
    return create_app(settings_from())
