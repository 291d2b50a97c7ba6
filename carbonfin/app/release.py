"""The installed release."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """Give the version of the installed wheel, or say that it runs from source."""
    try:
        return version("carbonfin")
    except PackageNotFoundError:
        return "0.1.0.dev0"


VERSION = installed_version()
