"""What is asked of an allowance model, and its fit as numbers that can be recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Self

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import Currency, to_decimal, to_float
from carbonfin.rules.record import ADDED_LATER
from pricing.calc.models.cautions import ModelWarning
from pricing.calc.options.kinds import OptionType

_PLACES = 10


class ModelKind(StrEnum):
    """An allowance model."""

    SCHWARTZ_SMITH = "schwartz_smith"
    CARMONA_HINZ = "carmona_hinz"
    CARMONA_HINZ_TWO_PERIODS = "carmona_hinz_two_periods"


class CalibratedTo(StrEnum):
    """What a model of compliance periods is fitted to."""

    HISTORY = "history"
    OPTIONS = "options"


MODEL_LABELS: Mapping[ModelKind, tuple[str, str]] = {
    ModelKind.SCHWARTZ_SMITH: ("Schwartz–Smith 双因子模型（期货期权）", "Schwartz and Smith, options on futures"),
    ModelKind.CARMONA_HINZ: ("Carmona–Hinz 履约期模型（配额期权）", "Carmona and Hinz, options on the allowance"),
    ModelKind.CARMONA_HINZ_TWO_PERIODS: (
        "Carmona–Hinz 两期结转模型（配额期权）", "Carmona and Hinz over two periods with carry-over",
    ),
}  # fmt: skip
CALIBRATION_LABELS: Mapping[CalibratedTo, tuple[str, str]] = {
    CalibratedTo.HISTORY: ("历史价格", "price history"),
    CalibratedTo.OPTIONS: ("当日期权波动率曲面", "the day's option surface"),
}
PARAMETER_LABELS: Mapping[str, tuple[str, str]] = {
    "mean_reversion": ("均值回复速度 κ（每年）", "mean reversion, a year"),
    "short_vol": ("短期波动率 σχ", "short-term volatility"),
    "long_vol": ("长期波动率 σξ", "long-term volatility"),
    "factor_correlation": ("因子相关系数 ρ", "correlation of the factors"),
    "long_drift": ("长期漂移 μ*（定价测度）", "drift under the pricing measure"),
    "risk_price": ("风险的市场价格", "market price of risk"),
    "measurement_deviation": ("报价噪声", "noise of a log price"),
    "chi": ("短期偏离 χ（最后一日）", "short-term deviation on the last day"),
    "xi": ("长期水平 ξ（最后一日）", "long-term level on the last day"),
    "alpha": ("不确定性消解速度 α", "alpha"),
    "beta": ("不确定性规模 β", "beta"),
    "alpha_next": ("下一期不确定性消解速度 α₂", "alpha of the next period"),
    "beta_next": ("下一期不确定性规模 β₂", "beta of the next period"),
    "state_correlation": ("两期状态相关系数 ρ", "correlation of both states"),
    "carried_fraction": ("可结转比例 κ（所给）", "fraction carried over, as given"),
    "penalty_per_t": ("罚款（每吨，所给）", "penalty a tonne, as given"),
    "penalty_next_per_t": ("下一期罚款（每吨，所给）", "penalty of the next period, as given"),
    "scarcity_per_t": ("本期稀缺价值（价格减结转价值）", "scarcity of this period: price less what is carried over"),
    "following_per_t": ("下一期配额价格（最后一日）", "the next period's allowance on the last day"),
    "root_mean_square_per_t": ("期权报价与模型的均方根差", "root mean square of option quotes less the model"),
    "price_per_t": ("配额价格（最后一日）", "allowance price on the last day"),
    "forward_per_t": ("远期价格（至最近到期日，代替配额价格）", "forward to the earliest expiry, for the allowance's"),
}
QUESTION_ZH: Mapping[str, str] = {
    "penalty_per_t": "每吨罚款",
    "compliance_date": "履约截止日",
    "calibrated_to": "校准对象",
    "following_unit": "下一期品种",
    "penalty_next_per_t": "下一期每吨罚款",
    "next_compliance_date": "下一期履约截止日",
    "carried_fraction": "可结转比例",
    "delivery_date": "标的交割日",
}
"""What is asked of a model, in the words of its page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOption:
    """A European option to value: on a future that matures at `delivery_date`, or on the allowance at expiry."""

    option_type: OptionType
    strike_per_t: Decimal
    expiry_date: date
    delivery_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelQuestion:
    """What is asked of a model.

    Attributes:
        history_days: Calendar days of quotes up to the valuation date that it is fitted to.
        penalty_per_t: What a tonne short costs, of Carmona and Hinz; an estimate wherever no law fixes it.
        compliance_date: End of the compliance period, of Carmona and Hinz.
        calibrated_to: What Carmona and Hinz is fitted to; None, as history.
        following_unit: Vintage of the next period; None where a strip of futures spans both periods.
        penalty_next_per_t: What a tonne short costs in the next period.
        next_compliance_date: End of the next period.
        carried_fraction: kappa, of a banked allowance, that keeps its value in the next period.
    """

    kind: ModelKind
    unit: Unit
    history_days: int
    options: tuple[ModelOption, ...]
    penalty_per_t: Decimal | None = None
    compliance_date: date | None = None
    calibrated_to: CalibratedTo | None = field(default=None, metadata=ADDED_LATER)
    following_unit: Unit | None = field(default=None, metadata=ADDED_LATER)
    penalty_next_per_t: Decimal | None = field(default=None, metadata=ADDED_LATER)
    next_compliance_date: date | None = field(default=None, metadata=ADDED_LATER)
    carried_fraction: Decimal | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedNumber:
    """A parameter or state as it came out of the fit, with its standard error where one can be given."""

    name: str
    value: Decimal
    error: Decimal | None

    @classmethod
    def of(cls, name: str, value: float, error: float | None) -> Self:
        """Give a number of a fit to ten places."""
        return cls(
            name=name, value=to_decimal(value, places=_PLACES) + Decimal(0),
            error=None if error is None else to_decimal(error, places=_PLACES),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCaution:
    """A reason not to take a model's answer at its face."""

    code: str
    zh: str
    en: str

    @classmethod
    def of(cls, warning: ModelWarning) -> Self:
        """Give what a model says of itself as it is recorded."""
        return cls(code=warning.code, zh=warning.zh, en=warning.en)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFit:
    """A fit as it is recorded.

    Attributes:
        currency: Of every price.
        observation_count: Days with a price that went in.
        contract_count: Expiries of a strip; 1 for a path of spot prices.
        longest_maturity_date: Last expiry of the strip; None for a path.
        data_digest: SHA-256 over the quotes that went in.
        sources: Who published them.
    """

    currency: Currency
    observation_count: int
    contract_count: int
    first_date: date
    last_date: date
    longest_maturity_date: date | None
    numbers: tuple[FittedNumber, ...]
    cautions: tuple[ModelCaution, ...]
    data_digest: str
    sources: tuple[str, ...]
    is_sample: bool

    def number(self, name: str) -> float:
        """Give a number of the fit by its name."""
        return to_float(next(one.value for one in self.numbers if one.name == name))

    @property
    def allowance_per_t(self) -> float:
        """What the allowance is taken to cost: its own price, or the forward that stands in its place."""
        known = {one.name for one in self.numbers}
        return self.number("forward_per_t" if "forward_per_t" in known else "price_per_t")
