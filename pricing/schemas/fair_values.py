"""Shapes of a fair value: activity, waterfall, level, band."""

from msgspec import Struct

from pricing.calc.compliance import VintageState
from pricing.calc.fair_value import FairValue, WaterfallStep
from pricing.schemas.figures import optional_text_of, text_of
from pricing.service import FairValueAnswer


class WaterfallStepOut(Struct, frozen=True, kw_only=True):
    """One rung: the price it would give, and why it was taken or passed over."""

    code: str
    label_zh: str
    label_en: str
    level: int
    price_cny_per_t: str | None
    is_taken: bool
    reason_zh: str
    reason_en: str
    source: str

    @classmethod
    def of(cls, step: WaterfallStep) -> "WaterfallStepOut":
        """Write a rung."""
        return cls(
            code=step.code,
            label_zh=step.label_zh,
            label_en=step.label_en,
            level=step.level,
            price_cny_per_t=optional_text_of(step.price_cny_per_t),
            is_taken=step.is_taken,
            reason_zh=step.reason_zh,
            reason_en=step.reason_en,
            source=step.source,
        )


class ActivityOut(Struct, frozen=True, kw_only=True):
    """What the activity of the window came to, with each test that failed."""

    verdict: str
    trading_day_count: int
    traded_day_count: int
    daily_volume_t: str
    small_print_share: str
    limit_day_share: str
    staleness_days: int
    reasons_zh: list[str]
    reasons_en: list[str]

    @classmethod
    def of(cls, value: FairValue) -> "ActivityOut":
        """Write an activity test."""
        test = value.activity
        return cls(
            verdict=test.verdict,
            trading_day_count=test.trading_day_count,
            traded_day_count=test.traded_day_count,
            daily_volume_t=text_of(test.daily_volume_t),
            small_print_share=text_of(test.small_print_share),
            limit_day_share=text_of(test.limit_day_share),
            staleness_days=test.staleness_days,
            reasons_zh=[zh for zh, _ in test.reasons],
            reasons_en=[en for _, en in test.reasons],
        )


class FairValueOut(Struct, frozen=True, kw_only=True):
    """The fair value of a unit: an exit price without any discount for size; collateral value is another figure.

    `price_cny_per_t` is the price by the scheme's approved `policy`, by which every book is valued; null where that
    gives none, and the alarms say why. `waterfall_cny_per_t` is what the steps come to, to compare with.
    """

    unit: str
    valuation_date: str
    known_at: str
    price_cny_per_t: str | None
    level: int | None
    policy: str | None
    waterfall_cny_per_t: str | None
    waterfall_level: int | None
    standard_error_cny_per_t: str | None
    band_low_cny_per_t: str | None
    band_high_cny_per_t: str | None
    prudent_cny_per_t: str | None
    median_cny_per_t: str | None
    is_past_use: bool
    activity: ActivityOut
    steps: list[WaterfallStepOut]
    alarms_zh: list[str]
    alarms_en: list[str]
    exchange: str
    is_sample: bool
    snapshot_digest: str

    @classmethod
    def of(cls, answer: FairValueAnswer) -> "FairValueOut":
        """Write a fair value."""
        value, use = answer.value, answer.use
        low, high = value.band_cny_per_t or (None, None)
        use_zh, use_en = use.words_on(value.valuation_date)
        return cls(
            unit=str(answer.unit),
            valuation_date=value.valuation_date.isoformat(),
            known_at=answer.known_at.isoformat().replace("+00:00", "Z"),
            price_cny_per_t=None if answer.decided is None else text_of(answer.decided.price_cny_per_t),
            level=None if answer.decided is None else answer.decided.level,
            policy=None if answer.decided is None else answer.decided.policy,
            waterfall_cny_per_t=optional_text_of(value.price_cny_per_t),
            waterfall_level=value.level,
            standard_error_cny_per_t=optional_text_of(value.standard_error_cny_per_t),
            band_low_cny_per_t=optional_text_of(low),
            band_high_cny_per_t=optional_text_of(high),
            prudent_cny_per_t=optional_text_of(answer.prudent_cny_per_t),
            median_cny_per_t=optional_text_of(value.median_cny_per_t),
            is_past_use=use.state_on(value.valuation_date) is VintageState.PAST_USE,
            activity=ActivityOut.of(value),
            steps=[WaterfallStepOut.of(step) for step in value.steps],
            alarms_zh=[*([use_zh] if use_zh else []), *(zh for zh, _ in answer.alarms)],
            alarms_en=[*([use_en] if use_en else []), *(en for _, en in answer.alarms)],
            exchange=answer.exchange,
            is_sample=answer.is_sample,
            snapshot_digest=answer.snapshot_digest,
        )
