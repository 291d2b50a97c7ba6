"""What a rating rests on by name: each document once, and whether a person confirmed it."""

from collections.abc import Sequence
from dataclasses import dataclass

from carbonfin.rules.trace import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingSource:
    """One document behind the parameters of a rating, with its remark; not confirmed is 未确认 wherever it is shown."""

    document: str
    note: str
    confirmed: bool


def rating_sources(trace: Sequence[Figure]) -> tuple[RatingSource, ...]:
    """Give the documents of a trace's parameters, the unconfirmed first, otherwise as they stand."""
    found = dict.fromkeys(
        RatingSource(document=figure.source, note=figure.note_zh, confirmed=figure.confirmed)
        for figure in trace
        if figure.parameter is not None
    )
    return tuple(sorted(found, key=lambda one: one.confirmed))
