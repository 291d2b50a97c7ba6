"""What a conversion of a vintage may take of what was granted to carry over, and why it may not."""

from dataclasses import dataclass, field

from carbonfin.rules.record import ADDED_LATER
from collateral.calc.figures import FigureList
from collateral.calc.refusals import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOverGrant:
    """What was granted of the round that a vintage to be converted belongs to, and what of it is used.

    Attributes:
        granted_t: Tonnes that may carry over by the pledgor's kept decision; zero before a grant, of a vintage outside
            the round, and where an end of the round is not known; None where the scheme has no round at all on file:
            then no limit is known.
        converted_t: Tonnes that earlier conversions have taken of it.
        pending_t: Tonnes of conversions that the registry was asked for and that may still come about; None in
            decisions made before these were counted.
        source: The decision that grants, or why nothing is granted.
    """

    granted_t: int | None
    converted_t: int
    source: str
    pending_t: int | None = field(default=None, metadata=ADDED_LATER)


def grant_refusals(grant: CarryOverGrant | None, asked_t: int, figures: FigureList) -> list[Refusal]:
    """Refuse to convert more of a round than was granted and is neither used nor asked for yet."""
    if grant is None or grant.granted_t is None:
        return []
    names = [
        figures.fact("carry_over_granted", ("批准结转量", "Granted"), grant.granted_t, "t", grant.source),
        figures.fact("carry_over_used", ("已转换量", "Converted before"), grant.converted_t, "t", "台账"),
    ]
    left_t, formula = grant.granted_t - grant.converted_t, "granted − converted"
    if grant.pending_t is not None:
        label = ("已申请未决量", "Asked for, not settled")
        names.append(figures.fact("carry_over_pending", label, grant.pending_t, "t", "台账"))
        left_t, formula = left_t - grant.pending_t, "granted − converted − asked for"
    figures.result("carry_over_left", ("尚可结转量", "Left to carry over"), left_t, "t", formula, inputs=names)
    if asked_t <= left_t:
        return []
    detail = f"{asked_t} t are to be converted, {grant.granted_t} t were granted and {grant.converted_t} t used"
    zh = f"拟转换 {asked_t} 吨，批准结转 {grant.granted_t} 吨，已转换 {grant.converted_t} 吨"
    if grant.pending_t is not None:
        detail += f", {grant.pending_t} t asked for and not settled ({grant.source})"
        zh += f"，已申请未决 {grant.pending_t} 吨（{grant.source}）"
    return [Refusal(code="carry-over-not-granted", detail=detail, zh=zh)]


def grant_notes(grant: CarryOverGrant | None) -> list[Refusal]:
    """Say where a conversion is held against no limit because none is known."""
    if grant is None or grant.granted_t is not None:
        return []
    return [
        Refusal(
            code="carry-over-limit-unknown",
            detail=f"no round of carry-over is on file: the tonnes are held against no grant ({grant.source})",
            zh=f"{grant.source}，未与批准结转量核对",
        )
    ]
