"""What a haircut is stacked from: a bank's method for a class of units, and the facts of the units on the day."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

import numpy as np

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from carbonfin.rules.record import ADDED_LATER
from collateral.calc.haircut_models.seasons import SeasonDepth
from collateral.calc.haircut_models.wrong_way import BorrowerUnits, WrongWayMethod
from pricing.calc.volatility import PriceHistory

MOST_HISTORY_DAYS = 5_000
LEAST_EXPECTED_LOSS = Decimal("0.000001")
STACK_MONOTONE = 2
"""The version of the stack rule in which the joint risk never shrinks as the price grows wilder."""


class ComponentName(StrEnum):
    """A part of the stack; the order is that in which readers see them."""

    TABLE = "table"
    SUPERVISORY = "supervisory"
    EMPIRICAL = "empirical"
    JUMP_DIFFUSION = "jump_diffusion"
    CLOSE_OUT = "close_out"
    CURRENCY = "currency"
    WRONG_WAY = "wrong_way"
    CLIFF = "cliff"
    FLOOR = "floor"
    STANDING = "standing"


CHOSEN = (
    ComponentName.SUPERVISORY, ComponentName.EMPIRICAL, ComponentName.JUMP_DIFFUSION, ComponentName.CLOSE_OUT,
    ComponentName.WRONG_WAY,
)  # fmt: skip
"""The components that a policy may take or leave; the others always count."""


class Measure(StrEnum):
    """What a model's haircut is of its losses: the quantile, or the mean at and beyond it."""

    VALUE_AT_RISK = "value_at_risk"
    EXPECTED_SHORTFALL = "expected_shortfall"


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpTerms:
    """Jumps of the price as a policy stresses them: how many a year, part up, mean size up and down in log price.

    Attributes:
        expected_loss_ratio: The most that the mean loss may be, of the loan: the haircut that meets it counts
            where it is more than the one of the measure. None where the policy sets no such target.
    """

    jumps_per_year: Decimal
    up_ratio: Decimal
    up_mean: Decimal
    down_mean: Decimal
    expected_loss_ratio: Decimal | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Refuse what lies outside the model."""
        sizes = 0 < self.up_mean < 1 and 0 < self.down_mean <= 20
        if not (0 <= self.jumps_per_year <= 1_000 and 0 <= self.up_ratio <= 1 and sizes):
            raise InvalidInput(
                "jumps a year lie in 0 to 1,000, the part up in 0 to 1, the mean up below 1 and both above nought",
                zh="年跳跃次数须在 0 至 1000，上跳概率须在 0 至 1，平均跳幅须为正且上跳小于 1",
                field="jumps",
            )
        target = self.expected_loss_ratio
        if target is not None and not LEAST_EXPECTED_LOSS <= target <= Decimal("0.5"):
            raise InvalidInput(
                f"an expected loss of {target} is outside {LEAST_EXPECTED_LOSS} to 0.5",
                zh=f"预期损失目标为 {target}，须在 {LEAST_EXPECTED_LOSS} 至 0.5", field="jump_expected_loss_ratio",
            )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StackMethod:
    """How a bank puts the haircut of a class together.

    Attributes:
        components: Those of `CHOSEN` that count beside the table's value.
        tail_ratio: 1 - confidence of all models.
        table_ratio: The dated table's value of the class.
        conservative_ratio: What a component counts where its data are missing or thin; at least the table's value.
        floor_ratio: The haircut is never below it.
        ceiling_ratio: Above it the units are not accepted at all.
        ten_day_ratio: Supervisory haircut for ten business days.
        currency_ten_day_ratio: Supervisory currency haircut for ten business days.
        holding_days: Least holding period of the deal.
        remargin_days: Days between margins or revaluations.
        cure_days: Trading days the pledgor has to cure.
        notice_days: Trading days of notice before the first sale.
        participation_ratio: Part of a day's volume that may be sold.
        daily_limit_ratio: The market's price limit, None where there is none.
        impact: Coefficient of the impact, times the root of participation and a day's deviation.
        fewest_clean_days: Clean closes below which a history is thin.
        least_clean_share: Clean closes over days below which a history is thin.
        path_count: Paths of the simulations.
        seed: Of the simulations.
        stack_version: Version of the stack rule; None in policies made before there were two, which means the first.
    """

    components: tuple[ComponentName, ...]
    measure: Measure
    tail_ratio: Decimal
    table_ratio: Decimal
    conservative_ratio: Decimal
    floor_ratio: Decimal
    ceiling_ratio: Decimal
    ten_day_ratio: Decimal
    currency_ten_day_ratio: Decimal
    holding_days: int
    remargin_days: int
    cure_days: int
    notice_days: int
    participation_ratio: Decimal
    daily_limit_ratio: Decimal | None
    bid_ask_ratio: Decimal
    impact: Decimal
    fewest_clean_days: int
    least_clean_share: Decimal
    path_count: int
    seed: int
    jumps: JumpTerms | None
    wrong_way: WrongWayMethod | None
    stack_version: int | None = field(default=None, metadata=ADDED_LATER)

    _RANGES: ClassVar[dict[str, tuple[int | Decimal, int | Decimal, str]]] = {
        "table_ratio": (0, 1, "折扣系数表值"),
        "conservative_ratio": (0, 1, "保守值"),
        "floor_ratio": (0, 1, "下限"),
        "ceiling_ratio": (0, 1, "准入上限"),
        "ten_day_ratio": (0, 1, "十日监管折扣系数"),
        "currency_ten_day_ratio": (0, 1, "十日汇率折扣系数"),
        "holding_days": (1, 250, "最短持有期"),
        "remargin_days": (1, 250, "盯市间隔"),
        "cure_days": (0, 250, "补足期"),
        "notice_days": (0, 250, "通知期"),
        "participation_ratio": (Decimal("0.001"), 1, "参与率"),
        "bid_ask_ratio": (0, 1, "买卖价差"),
        "impact": (0, 100, "冲击系数"),
        "fewest_clean_days": (2, MOST_HISTORY_DAYS, "最少有效价格日"),
        "least_clean_share": (0, 1, "有效价格日最低占比"),
        "path_count": (2_000, 50_000, "模拟路径数"),
        "seed": (0, 2**31, "随机种子"),
        "tail_ratio": (Decimal("0.0001"), Decimal("0.5"), "尾部概率"),
    }

    def __post_init__(self) -> None:
        """Refuse what is out of range, a conservative value below the table's, and components without their terms."""
        for name, (low, high, zh) in self._RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise _wrong(f"{name} is {value}, outside {low} to {high}", f"{zh}为 {value}，须在 {low} 至 {high}",
                             name)  # fmt: skip
        if self.daily_limit_ratio is not None and not 0 < self.daily_limit_ratio < 1:
            raise _wrong("a daily limit lies between 0 and 1", "涨跌幅限制须在 0 至 1", "daily_limit_ratio")
        if self.conservative_ratio < self.table_ratio:
            raise _wrong(
                f"the conservative value {self.conservative_ratio} is below the table's {self.table_ratio}",
                f"保守值 {self.conservative_ratio} 不得低于表值 {self.table_ratio}",
                "conservative_ratio",
            )
        if self.path_count * self.tail_ratio < 10:
            raise _wrong(
                f"{self.path_count} paths do not reach a tail of {self.tail_ratio}",
                f"{self.path_count} 条路径不足以估计 {self.tail_ratio} 的尾部",
                "path_count",
            )
        if self.stack_version not in {None, 1, STACK_MONOTONE}:
            raise _wrong(f"there is no stack rule {self.stack_version}", f"没有叠加规则第 {self.stack_version} 版",
                         "stack_version")  # fmt: skip
        self._require_components()

    def _require_components(self) -> None:
        unknown = set(self.components) - set(CHOSEN)
        if unknown or len(set(self.components)) != len(self.components):
            raise _wrong(
                f"components are some of {', '.join(CHOSEN)}, each once", "折扣系数组成项有误或重复", "components"
            )
        for name, terms, place in (
            (ComponentName.JUMP_DIFFUSION, self.jumps, "jumps"),
            (ComponentName.WRONG_WAY, self.wrong_way, "wrong_way"),
        ):
            if (name in self.components) != (terms is not None):
                raise _wrong(f"{name} and its terms go together", f"组成项 {name} 须与其参数同时给出", place)

    @property
    def wait_days(self) -> int:
        """Days before the first sale: cure and notice."""
        return self.cure_days + self.notice_days


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryColumns:
    """A price history by trading day, as it is written into a decision.

    Attributes:
        close_per_t: Closes, oldest first, carried on days without trade.
        idle_rows: Rows of days without trade.
        limit_rows: Rows of days whose close stood at the limit.
        is_composite: Whether the closes mix vintages.
    """

    close_per_t: tuple[Decimal, ...]
    idle_rows: tuple[int, ...]
    limit_rows: tuple[int, ...]
    is_composite: bool

    def __post_init__(self) -> None:
        """Refuse empty and overlong histories, closes that are no prices, and rows that are none."""
        count = len(self.close_per_t)
        if not 1 <= count <= MOST_HISTORY_DAYS or min(self.close_per_t) <= 0:
            raise _wrong(
                f"a history has 1 to {MOST_HISTORY_DAYS} positive closes, this one {count}",
                f"历史行情须有 1 至 {MOST_HISTORY_DAYS} 个正的收盘价", "close_per_t",
            )  # fmt: skip
        if any(not 0 <= row < count for row in (*self.idle_rows, *self.limit_rows)):
            raise _wrong("a row is none of the history's", "行号超出历史行情", "limit_rows")

    def history(self) -> PriceHistory:
        """Give the arrays."""
        close = np.array([to_float(one) for one in self.close_per_t])
        traded, at_limit = np.ones(close.size, dtype=bool), np.zeros(close.size, dtype=bool)
        traded[list(self.idle_rows)] = False
        at_limit[list(self.limit_rows)] = True
        none = np.full(close.size, np.nan)
        return PriceHistory(
            close_per_t=close, high_per_t=none, low_per_t=none, traded=traded, at_limit=at_limit,
            is_composite=self.is_composite,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFacts:
    """The units and their market on the day; None is not known, and never counts in their favour.

    Attributes:
        quantity_t: Tonnes that a default would sell.
        daily_volume_t: Mean listed tonnes a day, days without trade included as nought.
        trade_day_ratio: Part of the days with a trade.
        limit_day_ratio: Part of the days whose close stood at the limit.
        volatility: Of the price, a year.
        days_to_last_use: Trading days from a default at the loan's end to the unit's last usable date.
        has_last_use: False where the unit is known to have none; None where that is not known.
        depth_ratios: Volume over the mean from the day after default on; empty is level.
        standing_ratio: The class's last haircut on record; while data are missing it is not gone below.
        source: Where the facts are from.
        season: What the depth rests on; None in decisions made before that was told, which sell by `depth_ratios`
            alone, and let no season lengthen the days of risk.
    """

    unit: str
    quantity_t: int
    daily_volume_t: Decimal | None
    trade_day_ratio: Decimal | None
    limit_day_ratio: Decimal | None
    volatility: Decimal | None
    history: HistoryColumns | None
    days_to_last_use: int | None
    has_last_use: bool | None
    depth_ratios: tuple[Decimal, ...]
    is_cross_currency: bool
    borrower: BorrowerUnits | None
    standing_ratio: Decimal | None
    source: str
    season: SeasonDepth | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Refuse quantities and ratios out of range, and a last use that is both known and not."""
        if self.quantity_t < 1 or (self.daily_volume_t is not None and self.daily_volume_t < 0):
            raise _wrong("tonnes are positive and volumes not negative", "数量须为正，成交量不能为负", "quantity_t")
        for name in ("trade_day_ratio", "limit_day_ratio", "standing_ratio"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise _wrong(f"{name} is {value}, outside 0 to 1", f"{name} 须在 0 至 1", name)
        if self.volatility is not None and not Decimal("0.005") <= self.volatility <= 10:
            raise _wrong(f"a volatility of {self.volatility}", "年化波动率须在 0.005 至 10", "volatility")
        if any(not 0 <= one <= 1_000 for one in self.depth_ratios):
            raise _wrong("a seasonal depth is out of range", "季节性深度须在 0 至 1000", "depth_ratios")
        if (self.days_to_last_use is None) != (self.has_last_use is not True):
            raise _wrong(
                "days to the last use go with a last usable date, and only with one",
                "最后可用日与其剩余交易日须同时给出", "days_to_last_use",
            )  # fmt: skip


def _wrong(detail: str, zh: str, field: str) -> InvalidInput:
    return InvalidInput(detail, zh=zh, field=field)
