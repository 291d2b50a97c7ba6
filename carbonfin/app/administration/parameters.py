"""The old address of the rule parameters, which stand among the rules."""

from litestar import get
from litestar.response import Redirect


@get("/administration/parameters", sync_to_thread=False)
def parameters_moved() -> Redirect:
    """Lead to the parameters."""
    return Redirect("/rules/parameters", status_code=303)


routes = [parameters_moved]
