"""Reminders before a vintage's last usable date and before a surrender: what may be done about it."""

from dataclasses import dataclass
from datetime import date

from carbonfin.kernel.allowances import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeUnits:
    """Units a pledgor holds free, which stay usable longer than those pledged; no last day where they carry over."""

    unit: Unit
    free_t: int
    last_usable: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that may be done, in both languages."""

    zh: str
    en: str


def pledge_actions(
    *, unit: Unit, quantity_t: int, last_usable: date, free: tuple[FreeUnits, ...], apply_by: date | None, on: date
) -> tuple[Action, ...]:
    """Give what may be done about pledged units that end: convert, substitute, part-release, buy in.

    Conversion is named only while an application may still be made; substitution only with free units that stay usable
    longer; where there are none the pledgor can buy.

    Args:
        unit: The pledged unit.
        quantity_t: How much of it.
        last_usable: Its last usable date.
        free: What the pledgor holds free.
        apply_by: Last day of an application to carry the unit over; None where no rule is known.
        on: The business date.
    """
    found = []
    if apply_by is not None and on <= apply_by:
        found.append(
            Action(
                zh=f"结转：出质人可在 {apply_by} 前申请结转 {unit}",
                en=f"convert: {unit} may be carried over by an application until {apply_by}",
            )
        )
    later = [one for one in free if one.unit != unit and (one.last_usable is None or one.last_usable > last_usable)]
    found.extend(
        Action(
            zh=f"置换：出质人另有可用 {one.unit} {one.free_t:,} 吨",
            en=f"substitute: {one.free_t:,} t of {one.unit} are free",
        )
        for one in later
    )
    found.append(Action(zh="部分还款并部分解押", en="release part against part repayment"))
    if sum(one.free_t for one in later) < quantity_t:
        found.append(
            Action(
                zh=f"买入：出质人买入可用年度配额后置换，至多 {quantity_t:,} 吨",
                en=f"buy in: buy usable units and substitute, at most {quantity_t:,} t",
            )
        )
    return tuple(found)


def surrender_actions(*, headroom_t: int, pledged_codes: tuple[str, ...]) -> tuple[Action, ...]:
    """Give what may be done before a surrender: with headroom nothing is needed; without, free units or buy in."""
    if headroom_t >= 0:
        return (
            Action(zh=f"履约余量 {headroom_t:,} 吨，按期清缴即可", en=f"headroom {headroom_t:,} t: surrender in time"),
        )
    short_t = -headroom_t
    found = [Action(zh=f"买入 {short_t:,} 吨可用于清缴的配额", en=f"buy in {short_t:,} t that can be surrendered")]
    if pledged_codes:
        codes = "、".join(pledged_codes)
        found.insert(
            0,
            Action(
                zh=f"质押 {codes}：部分还款解押，或置换为不用于本次清缴的品种",
                en=f"pledges {', '.join(pledged_codes)}: release part against repayment, or substitute other units",
            ),
        )
    return tuple(found)
