"""What the policy of a unit's class makes of its haircut, as a valuation takes it; the stack behind it is a decision.

Many pledges share one such haircut: tonnes are taken up to the next step of a ladder and days to the last usable date
down to one, and no fact made worse ever lowers a haircut. What the policy cannot strike counts its conservative value,
with the reason.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from carbonfin.rules.record import ADDED_LATER
from collateral.calc.haircut_models.components import Standing
from collateral.calc.haircut_models.stack import TITLES, StackInputs, StackOutcome, season_words
from collateral.calc.haircut_models.stack_terms import ComponentName
from collateral.calc.haircut_policies import PolicyRecord

_STEPS = (10, 13, 16, 20, 25, 32, 40, 50, 63, 80, 100)
_EXACT_DAYS, _DAYS_STEP = 60, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyHaircut:
    """The haircut of a unit by the policy of its class.

    Attributes:
        policy: Name of the policy's version.
        decision_id: Decision of the stack; empty where it was only tried, or could not be struck.
        quantity_t: Tonnes that it counts as sold: what is pledged, up to the next step.
        ratio: h, 0 to 1; 1 where the units are not accepted.
        binding: The component that decides h.
        pledge_ratio_max: Ceiling of the pledge ratio (抵质押率) that the policy sets.
        reason_zh: Why it is not struck from whole data, or why the units are not accepted; empty otherwise.
        reason_en: The same in English.
        is_confirmed: False where facts under it stand that nobody confirmed; None in decisions made before it was told.
    """

    policy: str
    decision_id: str
    quantity_t: int
    ratio: Decimal
    binding: ComponentName
    is_accepted: bool
    pledge_ratio_max: Decimal
    reason_zh: str
    reason_en: str
    is_confirmed: bool | None = field(default=None, metadata=ADDED_LATER)

    @property
    def notes(self) -> tuple[str, str]:
        """What decides it, and why it is conservative where it is; Chinese, English."""
        title_zh, title_en = TITLES[self.binding]
        return (
            "；".join(filter(None, [f"{self.policy}，起决定作用：{title_zh}", self.reason_zh])),
            "; ".join(filter(None, [f"{self.policy}, binding: {title_en}", self.reason_en])),
        )


def quantity_step_t(quantity_t: int) -> int:
    """Give the step at or above some tonnes: ten steps to a decade, each at most 30% above the one before."""
    if quantity_t <= _STEPS[0]:
        return quantity_t
    scale = int(10 ** (len(str(quantity_t)) - 2))
    return next(step * scale for step in _STEPS if step * scale >= quantity_t)


def days_step(days: int | None) -> int | None:
    """Give the step at or below some days to the last usable date: each of the first sixty, then every ten."""
    return days if days is None or days <= _EXACT_DAYS else days - days % _DAYS_STEP


def struck_by_policy(
    record: PolicyRecord, inputs: StackInputs, outcome: StackOutcome, *, decision_id: str
) -> PolicyHaircut:
    """Give what a stack comes to, with each reason why components lack data, or that of the refusal.

    A depth of the season that nobody confirmed is said too.
    """
    thin: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for one in outcome.components:
        if one.standing is Standing.CONSERVATIVE:
            thin.setdefault((one.reason_zh, one.reason_en), []).append(TITLES[one.name])
    season = season_words(inputs, outcome.components)
    told = [season] if season[0] and season not in thin else []
    reasons_zh = [f"{why_zh}，{'、'.join(zh for zh, _ in titles)}按保守值" for (why_zh, _), titles in thin.items()]
    reasons_en = [
        f"{why_en}: {', '.join(en for _, en in titles)} at the conservative value"
        for (_, why_en), titles in thin.items()
    ]
    reason_zh = "；".join([*([outcome.refusal_zh] if outcome.refusal_zh else reasons_zh), *(zh for zh, _ in told)])
    reason_en = "; ".join([*([outcome.refusal_en] if outcome.refusal_en else reasons_en), *(en for _, en in told)])
    return PolicyHaircut(
        policy=record.name, decision_id=decision_id, quantity_t=inputs.facts.quantity_t, ratio=outcome.haircut_ratio,
        binding=outcome.binding, is_accepted=outcome.is_accepted,
        pledge_ratio_max=record.policy.pledge_ratio_max, reason_zh=reason_zh, reason_en=reason_en,
        is_confirmed=not outcome.unconfirmed,
    )  # fmt: skip


def conservative_by_policy(record: PolicyRecord, *, quantity_t: int, why: tuple[str, str]) -> PolicyHaircut:
    """Give the policy's conservative value with the reason; the whole where even that is above its ceiling."""
    method = record.policy.method
    ratio = max(method.conservative_ratio, method.table_ratio, method.floor_ratio)
    is_accepted = ratio <= method.ceiling_ratio
    return PolicyHaircut(
        policy=record.name, decision_id="", quantity_t=quantity_t, ratio=ratio if is_accepted else Decimal(1),
        binding=ComponentName.TABLE, is_accepted=is_accepted, pledge_ratio_max=record.policy.pledge_ratio_max,
        reason_zh=f"{why[0]}，按保守值", reason_en=f"{why[1]}: conservative value", is_confirmed=True,
    )  # fmt: skip
