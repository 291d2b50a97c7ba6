"""A bank's policy for the haircut of a class of units, in the form its rules on collateral (押品管理) ask.

Classes accepted, method with its parameters, ceiling of the pledge ratio (抵质押率), how often and by whom the units
are valued, concentration, stress, the day of the next review and the result of the last backtest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import InvalidInput, NotApplicable
from carbonfin.rules.record import canonical
from collateral.calc.haircut_models.stack_terms import JumpTerms, StackMethod
from collateral.calc.haircut_models.wrong_way import WrongWayMethod

_JUMP, _WRONG_WAY = "jump_", "wrong_way_"


class LiquidityClass(StrEnum):
    """How well a class trades, by the bank's own test."""

    ACTIVE = "active"
    THIN = "thin"
    INACTIVE = "inactive"


class ValuationFrequency(StrEnum):
    """How often the units are valued."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


LIQUIDITY_WORDS: Mapping[LiquidityClass, tuple[str, str]] = {
    LiquidityClass.ACTIVE: ("活跃", "active"),
    LiquidityClass.THIN: ("清淡", "thin"),
    LiquidityClass.INACTIVE: ("不活跃", "inactive"),
}
FREQUENCY_WORDS: Mapping[ValuationFrequency, tuple[str, str]] = {
    ValuationFrequency.DAILY: ("每日", "daily"),
    ValuationFrequency.WEEKLY: ("每周", "weekly"),
    ValuationFrequency.MONTHLY: ("每月", "monthly"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HaircutPolicy:
    """The policy for one class of units.

    Attributes:
        code: The class's own code; a change is a further revision of it.
        first_vintage: First vintage of the band, None without a lower end; both ends None for credits.
        last_vintage: Last vintage of the band, None without an upper end.
        pledge_ratio_max: Ceiling of the pledge ratio; with the least haircut it does not exceed the whole.
        valued_by: Who values: the bank's own desk, or a named outside valuer.
        concentration_ratio: The class's part of the collateral book at most.
        stress: The stress the class is put under, in words.
        backtest: Result and day of the last backtest, or why there is none.
        review_by: The day by which the policy is reviewed.
        document: The bank's own rule it rests on.
    """

    code: str
    scheme: Scheme
    first_vintage: int | None
    last_vintage: int | None
    liquidity: LiquidityClass
    method: StackMethod
    pledge_ratio_max: Decimal
    valuation_frequency: ValuationFrequency
    valued_by: str
    concentration_ratio: Decimal
    stress: str
    backtest: str
    review_by: date
    document: str
    valid_from: date

    def __post_init__(self) -> None:
        """Refuse words left out, ratios out of range, a band upside down and a review before the first day."""
        for name in ("code", "valued_by", "stress", "backtest", "document"):
            if not getattr(self, name).strip():
                raise _wrong(f"{name} is empty", f"请填写{POLICY_NAMES[name][0]}", name)
        for name in ("pledge_ratio_max", "concentration_ratio"):
            if not 0 < getattr(self, name) <= 1:
                raise _wrong(f"{name} lies in 0 to 1", f"{POLICY_NAMES[name][0]}须大于 0 且不超过 1", name)
        least = max(self.method.floor_ratio, self.method.table_ratio)
        if self.pledge_ratio_max + least > 1:
            raise _wrong(
                f"a pledge ratio of {self.pledge_ratio_max} and a haircut of at least {least} exceed the whole",
                f"抵质押率上限 {self.pledge_ratio_max} 与最低折扣系数 {least} 之和超过 1",
                "pledge_ratio_max",
            )
        first, last = self.first_vintage, self.last_vintage
        if first is not None and last is not None and first > last:
            raise _wrong("the band of vintages is upside down", "配额年度区间起止颠倒", "first_vintage")
        if self.review_by <= self.valid_from:
            raise _wrong("the review comes before the first day", "复审日须晚于生效日", "review_by")

    def covers(self, unit: Unit) -> bool:
        """Whether a unit is of the class; a unit without vintage is, where the band has no ends."""
        if unit.scheme is not self.scheme:
            return False
        if unit.vintage is None:
            return self.first_vintage is None and self.last_vintage is None
        above = self.first_vintage is None or self.first_vintage <= unit.vintage
        return above and (self.last_vintage is None or unit.vintage <= self.last_vintage)

    def require(self, unit: Unit, on: date) -> None:
        """Refuse a unit of another class and a policy whose review is overdue.

        Raises:
            NotApplicable: The unit is not of the class, or the review day is past.
        """
        if not self.covers(unit):
            raise NotApplicable(
                f"{unit} is not of the class {self.code}", zh=f"{unit} 不属于押品类别 {self.code}", field="unit",
                remedy="Choose the policy of its class.", remedy_zh="请选择该品种所属类别的政策。",
            )  # fmt: skip
        if on > self.review_by:
            raise NotApplicable(
                f"policy {self.code} was to be reviewed by {self.review_by}",
                zh=f"政策 {self.code} 应于 {self.review_by} 前复审，现已逾期",
                field="policy",
                remedy="Propose a reviewed policy.",
                remedy_zh="请提交复审后的政策。",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord:
    """An approved policy at rest: valid from its own day, known from the business date of its approval."""

    id: str
    revision: int
    policy: HaircutPolicy
    approval_id: str
    maker_name: str
    checker_name: str
    known_from: date

    @property
    def name(self) -> str:
        """The version's name, as decisions quote it."""
        return f"{self.policy.code} 第{self.revision}版"


def policy_payload(policy: HaircutPolicy) -> dict[str, Any]:
    """Write a policy as one level of plain values, for the approval that two people sign."""
    plain = canonical(policy)
    method = plain.pop("method")
    jumps, wrong_way = method.pop("jumps") or {}, method.pop("wrong_way") or {}
    return {
        **plain, **method,
        **{f"{_JUMP}{name}": value for name, value in jumps.items()},
        **{f"{_WRONG_WAY}{name}": value for name, value in wrong_way.items()},
    }  # fmt: skip


def nested_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Give the levels back to what two people signed."""

    def part(kind: type, prefix: str) -> dict[str, Any] | None:
        names = [field.name for field in fields(kind)]
        found = {name: payload[f"{prefix}{name}"] for name in names if f"{prefix}{name}" in payload}
        return found or None

    jumps, wrong_way = part(JumpTerms, _JUMP), part(WrongWayMethod, _WRONG_WAY)
    own = {field.name for field in fields(StackMethod)} - {"jumps", "wrong_way"}
    method = {name: payload[name] for name in own if name in payload} | {"jumps": jumps, "wrong_way": wrong_way}
    top = {field.name for field in fields(HaircutPolicy)} - {"method"}
    return {name: payload[name] for name in top} | {"method": method}


POLICY_NAMES: Mapping[str, tuple[str, str]] = {
    "code": ("类别编号", "Class"),
    "scheme": ("配额品种", "Scheme"),
    "first_vintage": ("配额年度起", "First vintage"),
    "last_vintage": ("配额年度止", "Last vintage"),
    "liquidity": ("流动性类别", "Liquidity class"),
    "pledge_ratio_max": ("抵质押率上限", "Ceiling of the pledge ratio"),
    "stack_version": ("叠加规则版本", "Version of the stack rule"),
    "components": ("折扣系数组成项", "Components of the haircut"),
    "measure": ("风险计量", "Measure"),
    "tail_ratio": ("尾部概率", "Tail"),
    "table_ratio": ("折扣系数表值", "Table's value"),
    "conservative_ratio": ("数据不足时的保守值", "Conservative value"),
    "floor_ratio": ("折扣系数下限", "Floor"),
    "ceiling_ratio": ("准入上限（超过即不接受）", "Ceiling of acceptance"),
    "ten_day_ratio": ("十日监管折扣系数（内部参考）", "Supervisory ten-day haircut (internal)"),
    "currency_ten_day_ratio": ("十日汇率折扣系数", "Ten-day currency haircut"),
    "holding_days": ("最短持有期（日）", "Least holding period (days)"),
    "remargin_days": ("盯市间隔（日）", "Remargining (days)"),
    "cure_days": ("补足期（交易日）", "Cure (trading days)"),
    "notice_days": ("通知期（交易日）", "Notice (trading days)"),
    "participation_ratio": ("参与率", "Participation"),
    "daily_limit_ratio": ("涨跌幅限制", "Price limit"),
    "bid_ask_ratio": ("买卖价差", "Bid-ask spread"),
    "impact": ("冲击系数", "Impact"),
    "fewest_clean_days": ("最少有效价格日", "Fewest clean days"),
    "least_clean_share": ("有效价格日最低占比", "Least share of clean days"),
    "path_count": ("模拟路径数", "Paths"),
    "seed": ("随机种子", "Seed"),
    "jump_jumps_per_year": ("年跳跃次数", "Jumps a year"),
    "jump_up_ratio": ("上跳概率", "Part of jumps up"),
    "jump_up_mean": ("平均上跳幅度", "Mean jump up"),
    "jump_down_mean": ("平均下跳幅度", "Mean jump down"),
    "jump_expected_loss_ratio": ("预期损失目标（占贷款）", "Expected-loss target, of the loan"),
    "wrong_way_price_credit_correlation": ("价格与信用相关系数", "Correlation of price and credit"),
    "wrong_way_emissions_credit_correlation": ("排放与信用相关系数", "Correlation of emissions and credit"),
    "wrong_way_price_emissions_correlation": ("价格与排放相关系数", "Correlation of price and emissions"),
    "wrong_way_default_ratios": ("各时段违约概率", "Default by season"),
    "wrong_way_surrender_season": ("清缴所在时段", "Season of surrender"),
    "wrong_way_release_ratio": ("缺口占用质押配额比例", "Part of the shortfall met from the pledge"),
    "wrong_way_emissions_deviation": ("排放波动", "Deviation of emissions"),
    "wrong_way_horizon_days": ("错向风险期限（交易日）", "Horizon of joint risk (trading days)"),
    "wrong_way_missing_ratio": ("借款人数据缺失时的附加", "Add-on without the borrower's data"),
    "valuation_frequency": ("估值频率", "Valuation frequency"),
    "valued_by": ("估值方", "Valued by"),
    "concentration_ratio": ("集中度上限", "Concentration limit"),
    "stress": ("压力情景", "Stress"),
    "backtest": ("回测结果", "Backtest"),
    "review_by": ("复审日", "Review by"),
    "document": ("依据文件", "Document"),
    "valid_from": ("生效日", "Valid from"),
}
"""Names of a policy's values, Chinese and English, in the order of readers."""


def _wrong(detail: str, zh: str, field: str) -> InvalidInput:
    return InvalidInput(detail, zh=zh, field=field)
