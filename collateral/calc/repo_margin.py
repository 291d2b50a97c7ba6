"""An annex's margin terms on repos: threshold, independent amount, minimum transfer and rounding, alone or on a net.

Terms speak of a repo's seller as pledgor. What is due of an exposure E is struck as paragraph 3 of a credit support
annex does, for either party beyond its own threshold:

    required = max(E + IA - IA' - TH, 0) - max(-E + IA' - IA - TH', 0)

with IA, TH of the party that owes where E is positive and IA', TH' of the other. Without terms it is E itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from carbonfin.kernel.units import Currency, Money, cny
from collateral.calc.figures import FigureList
from collateral.calc.margin import Infinite, MarginTerms, Rounding

_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoMargin:
    """Margin terms of one repo as two people agreed them, in its cash currency, its seller as pledgor.

    Attributes:
        independent: Owed by the seller on top of the exposure.
        document: The annex and clause; repos that name one annex have its independent amount once.
        source: Where the terms stand, for the trace.
    """

    terms: MarginTerms
    independent: Decimal
    document: str
    source: str

    def side(self, cny_per_unit: Decimal) -> "PledgorSide":
        """Give what the seller agreed to, in CNY."""
        threshold = self.terms.threshold
        return PledgorSide(
            threshold_cny=None if isinstance(threshold, Infinite) else cny(threshold.amount * cny_per_unit),
            independent_cny=cny(self.independent * cny_per_unit),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgorSide:
    """What one party agreed to as pledgor, CNY; a threshold of None is without end: it never owes margin."""

    threshold_cny: Decimal | None
    independent_cny: Decimal


NO_TERMS = PledgorSide(threshold_cny=_NOTHING, independent_cny=_NOTHING)


def margin_required_cny(exposure_cny: Decimal, *, pledgor: PledgorSide, secured: PledgorSide) -> Decimal:
    """Give the margin that should stand behind an exposure; negative where the other party should give it.

    Args:
        exposure_cny: Before any margin; positive where the pledgor owes.
        pledgor: The party that owes where the exposure is positive.
        secured: The other.
    """
    owed_cny = exposure_cny + pledgor.independent_cny - secured.independent_cny
    return _beyond(owed_cny, pledgor.threshold_cny) - _beyond(-owed_cny, secured.threshold_cny)


def _beyond(owed_cny: Decimal, threshold_cny: Decimal | None) -> Decimal:
    return _NOTHING if threshold_cny is None else max(owed_cny - threshold_cny, _NOTHING)


def side_of(agreed: Iterable[tuple[RepoMargin | None, Decimal]]) -> PledgorSide:
    """Give what a party agreed to over all repos it sells, each with CNY per unit of its cash currency.

    The least threshold counts, and a repo without terms has none: no repo's exposure is left open by another's annex.
    Independent amounts add up, but for repos that name one annex: it is owed once, the largest where they differ.
    """
    thresholds: list[Decimal | None] = []
    by_document: dict[str, Decimal] = {}
    for margin, rate in agreed:
        side = NO_TERMS if margin is None else margin.side(rate)
        thresholds.append(side.threshold_cny)
        if margin is not None:
            before = by_document.get(margin.document, _NOTHING)
            by_document[margin.document] = max(before, side.independent_cny)
    ended = [one for one in thresholds if one is not None]
    return PledgorSide(
        threshold_cny=min(ended) if ended else None if thresholds else _NOTHING,
        independent_cny=sum(by_document.values(), _NOTHING),
    )


def moved_amount(amount: Decimal, rounding: Rounding, *, currency: Currency) -> Decimal:
    """Give an amount in whole multiples of its rounding."""
    return rounding.applied(Money.of(amount, currency)).amount if amount else amount


def annex_figures(agreed: RepoMargin, currency: Currency, figures: FigureList, *, code: str = "") -> tuple[str, ...]:
    """Put an annex's threshold and independent amount into the trace, and give their names."""
    ending, prefix = (f"_{code}", f"{code} ") if code else ("", "")
    threshold = agreed.terms.threshold
    return (
        figures.fact(
            f"threshold{ending}", (f"{prefix}起点金额", f"{prefix}Threshold"),
            "无限 / infinite" if isinstance(threshold, Infinite) else threshold.amount, currency, agreed.source,
        ),
        figures.fact(
            f"independent{ending}", (f"{prefix}独立金额", f"{prefix}Independent amount"), agreed.independent, currency,
            agreed.source,
        ),
    )  # fmt: skip
