"""The documents behind a rating as the API shows them."""

from collections.abc import Sequence

from msgspec import Struct

from carbonfin.rules.trace import Figure
from loans.calc.ratings.rating_sources import rating_sources


class RatingSourceOut(Struct, frozen=True, kw_only=True):
    """A document behind a rating's parameters; not confirmed, nobody has compared it with the original."""

    document: str
    note: str
    confirmed: bool


def sources_out(trace: Sequence[Figure]) -> list[RatingSourceOut]:
    """Show the documents of a trace's parameters."""
    return [
        RatingSourceOut(document=one.document, note=one.note, confirmed=one.confirmed) for one in rating_sources(trace)
    ]
