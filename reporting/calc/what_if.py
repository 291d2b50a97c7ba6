"""What a change of a scheme's terms would do to every application filed, before anybody approves it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from carbonfin.kernel.units import round_half_up
from reporting.calc.batches import DecidedApplication
from reporting.calc.subsidies import Outcome

_ZERO = Decimal("0.00")
_EDGES_CNY = (Decimal(10_000), Decimal(50_000), Decimal(100_000), Decimal(500_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfSide:
    """All applications of a scheme under one set of terms.

    Attributes:
        outcomes: How many came to each outcome.
        calculated_cny: 测算金额 in all, 元.
        proposed_cny: 拟资助金额 after caps, 元; None where a limit is not known, so that none is proposed.
        granted_cny: After the share of the budget, 元; None as above.
        bands: How many amounts lie in each band.
        largest_share: Part of the largest applicant in all that is calculated; None where nothing is.
    """

    outcomes: tuple[tuple[Outcome, int], ...]
    calculated_cny: Decimal
    proposed_cny: Decimal | None
    granted_cny: Decimal | None
    bands: tuple[int, ...]
    largest_share: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfMove:
    """An application that comes out otherwise."""

    application_id: str
    reference: str
    applicant: str
    bank: str
    outcome_before: Outcome
    outcome_after: Outcome
    before_cny: Decimal | None
    after_cny: Decimal | None
    reason_zh: str
    reason_en: str

    @property
    def change_cny(self) -> Decimal:
        """After less before, what is not there counting nothing."""
        return (self.after_cny or _ZERO) - (self.before_cny or _ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """Both sides and who moves, the largest change first."""

    before: WhatIfSide
    after: WhatIfSide
    moves: tuple[WhatIfMove, ...]

    @property
    def cost_change_cny(self) -> Decimal:
        """What the change costs more, by what is granted where both sides propose, else by what is calculated."""
        if self.before.granted_cny is not None and self.after.granted_cny is not None:
            return self.after.granted_cny - self.before.granted_cny
        return self.after.calculated_cny - self.before.calculated_cny


BAND_TITLES: tuple[tuple[str, str], ...] = (
    ("不足 1 万元", "below 10k"),
    ("1–5 万元", "10k–50k"),
    ("5–10 万元", "50k–100k"),
    ("10–50 万元", "100k–500k"),
    ("50 万元以上", "500k and more"),
)
"""Names of the bands of amounts, in their order."""


def compared(
    before: Sequence[DecidedApplication],
    after: Sequence[DecidedApplication],
    *,
    before_shares: dict[str, Decimal],
    after_shares: dict[str, Decimal],
) -> WhatIf:
    """Set both sides beside one another.

    Args:
        before: The scheme's applications as they stand, in order.
        after: The same under the changed terms.
        before_shares: What each gets of the budget, as it stands; empty where no budget is known.
        after_shares: The same under the changed terms.
    """
    then = {item.filed.application_id: item for item in after}
    pairs = [(item, then[item.filed.application_id]) for item in before if item.filed.application_id in then]
    moves = [_move(one, other) for one, other in pairs if _differs(one, other)]
    return WhatIf(
        before=_side(before, before_shares),
        after=_side(after, after_shares),
        moves=tuple(sorted(moves, key=lambda move: (-abs(move.change_cny), move.reference))),
    )


def _differs(one: DecidedApplication, other: DecidedApplication) -> bool:
    said = [(item.decision.outcome, item.decision.calculated_cny, item.decision.proposed_cny) for item in (one, other)]
    return said[0] != said[1]


def _move(one: DecidedApplication, other: DecidedApplication) -> WhatIfMove:
    case = one.filed.application
    return WhatIfMove(
        application_id=one.filed.application_id, reference=case.reference, applicant=case.applicant_name,
        bank=case.filed_by_bank, outcome_before=one.decision.outcome, outcome_after=other.decision.outcome,
        before_cny=_amount(one), after_cny=_amount(other), reason_zh=other.decision.reason_zh,
        reason_en=other.decision.reason_en,
    )  # fmt: skip


def _amount(item: DecidedApplication) -> Decimal | None:
    proposed = item.decision.proposed_cny
    return item.decision.calculated_cny if proposed is None else proposed


def _side(items: Sequence[DecidedApplication], shares: dict[str, Decimal]) -> WhatIfSide:
    qualified = [item for item in items if item.decision.outcome is Outcome.QUALIFIES]
    calculated = [item.decision.calculated_cny or _ZERO for item in qualified]
    proposed = [item.decision.proposed_cny for item in qualified]
    known = [amount for amount in proposed if amount is not None]
    is_proposed = len(known) == len(proposed)
    granted = [shares.get(item.filed.application_id, item.decision.proposed_cny or _ZERO) for item in qualified]
    outcomes = Counter(item.decision.outcome for item in items)
    return WhatIfSide(
        outcomes=tuple((outcome, outcomes[outcome]) for outcome in Outcome),
        calculated_cny=sum(calculated, _ZERO), proposed_cny=sum(known, _ZERO) if is_proposed else None,
        granted_cny=sum(granted, _ZERO) if is_proposed else None, bands=_bands(calculated),
        largest_share=_largest_share(qualified),
    )  # fmt: skip


def _bands(amounts: Iterable[Decimal]) -> tuple[int, ...]:
    counts = [0] * (len(_EDGES_CNY) + 1)
    for amount in amounts:
        counts[sum(amount >= edge for edge in _EDGES_CNY)] += 1
    return tuple(counts)


def _largest_share(qualified: Iterable[DecidedApplication]) -> Decimal | None:
    by_applicant: dict[str, Decimal] = defaultdict(lambda: _ZERO)
    for item in qualified:
        by_applicant[item.filed.application.applicant_usci] += item.decision.calculated_cny or _ZERO
    total = sum(by_applicant.values(), _ZERO)
    return None if not total else round_half_up(max(by_applicant.values()) / total, 4)
