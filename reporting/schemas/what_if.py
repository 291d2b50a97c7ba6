"""A change of a scheme's terms as it would come out, as the API shows it."""

from msgspec import Struct

from reporting.calc.what_if import BAND_TITLES, WhatIfMove, WhatIfSide
from reporting.service import WhatIfView


class TermTriedOut(Struct, frozen=True, kw_only=True):
    """A term as it stands, null where nobody has read it, and as it is tried."""

    term: str
    title_zh: str
    before: str | None
    after: str


class WhatIfBandOut(Struct, frozen=True, kw_only=True):
    """How many calculated amounts lie in a band."""

    title_zh: str
    title: str
    count: int


class WhatIfSideOut(Struct, frozen=True, kw_only=True):
    """All applications of the scheme under one set of terms; null where a limit is not known."""

    outcomes: dict[str, int]
    calculated_cny: str
    proposed_cny: str | None
    granted_cny: str | None
    largest_share: str | None
    bands: list[WhatIfBandOut]

    @classmethod
    def of(cls, side: WhatIfSide) -> "WhatIfSideOut":
        """Copy the domain value."""
        return cls(
            outcomes={outcome.value: count for outcome, count in side.outcomes},
            calculated_cny=str(side.calculated_cny), proposed_cny=_text(side.proposed_cny),
            granted_cny=_text(side.granted_cny), largest_share=_text(side.largest_share),
            bands=[
                WhatIfBandOut(title_zh=zh, title=en, count=count)
                for (zh, en), count in zip(BAND_TITLES, side.bands, strict=True)
            ],
        )  # fmt: skip


class WhatIfMoveOut(Struct, frozen=True, kw_only=True):
    """An application that comes out otherwise."""

    application_id: str
    reference: str
    applicant: str
    bank: str
    outcome_before: str
    outcome_after: str
    before_cny: str | None
    after_cny: str | None
    change_cny: str
    reason_zh: str
    reason: str

    @classmethod
    def of(cls, move: WhatIfMove) -> "WhatIfMoveOut":
        """Copy the domain value."""
        return cls(
            application_id=move.application_id, reference=move.reference, applicant=move.applicant, bank=move.bank,
            outcome_before=move.outcome_before.value, outcome_after=move.outcome_after.value,
            before_cny=_text(move.before_cny), after_cny=_text(move.after_cny), change_cny=str(move.change_cny),
            reason_zh=move.reason_zh, reason=move.reason_en,
        )  # fmt: skip


class WhatIfOut(Struct, frozen=True, kw_only=True):
    """What a change would do to every application filed; nothing was written."""

    scheme: str
    scheme_title: str
    as_of: str
    changes: list[TermTriedOut]
    population_count: int
    failed_count: int
    cost_change_cny: str
    before: WhatIfSideOut
    after: WhatIfSideOut
    moves: list[WhatIfMoveOut]

    @classmethod
    def of(cls, view: WhatIfView) -> "WhatIfOut":
        """Copy the domain value."""
        return cls(
            scheme=view.scheme, scheme_title=view.title, as_of=view.as_of.isoformat(),
            changes=[
                TermTriedOut(term=one.term.value, title_zh=one.title_zh, before=one.before, after=one.after)
                for one in view.changes
            ],
            population_count=view.population_count, failed_count=view.failed_count,
            cost_change_cny=str(view.found.cost_change_cny), before=WhatIfSideOut.of(view.found.before),
            after=WhatIfSideOut.of(view.found.after), moves=[WhatIfMoveOut.of(move) for move in view.found.moves],
        )  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)
