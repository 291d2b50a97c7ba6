"""Which release runs, and on what its numbers rest."""

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGE, _FROM_SOURCE = "carbonfin", "0.1.0.dev0"
_RECKONING = ("QuantLib", "numpy")


def installed_version() -> str:
    """Give the version of the installed wheel, or say that it runs from source."""
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return _FROM_SOURCE


VERSION = installed_version()
ENGINE_VERSION = " ".join(
    [f"{_PACKAGE}/{VERSION}", f"Python/{platform.python_version()}", *(f"{one}/{version(one)}" for one in _RECKONING)]
)
"""What a decision is made with: this release, and what it reckons with; written into each decision's record."""
