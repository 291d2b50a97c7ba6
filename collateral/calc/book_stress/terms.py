"""What a stress of the collateral book is struck from: agreements, their pledgors, the units' market, and stresses."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER
from collateral.calc.haircut_models.seasons import SeasonDepth

MOST_DAYS = 250
FEWEST_PATHS, MOST_PATHS = 2_000, 20_000
MOST_SCENARIOS = 20

SCENARIO_NAMES: Mapping[str, tuple[str, str]] = {
    "price_fall": ("价格急跌", "Sharp fall of prices"),
    "slow_fall": ("价格阴跌", "Slow fall of prices"),
    "vintage_end": ("旧年度配额失效", "Old vintages fall out of use"),
    "registry_outage": ("登记系统中断", "Registry outage"),
    "no_cash": ("出质人流动性枯竭", "Pledgors without cash"),
    "together": ("多重压力叠加", "All at once"),
    "simulated": ("随机价格路径", "Simulated price paths"),
}
"""The stresses that come with the product, in the order of readers; their figures are dated parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StressUnit:
    """One unit of the book: its price, how it moves, and what a forced sale of it meets.

    Attributes:
        volatility: Of the price, a year.
        daily_volume_t: None where it is not known: nothing can then be counted on to sell.
        selling_ratio: Part of the days that sell; None where not known, which counts as none.
        wait_days: Trading days of notice before the first sale.
        days_to_last_use: Trading days to the last usable date; None where none is in sight.
        has_known_end: Whether that is known at all; what is not known falls with the oldest vintages.
        policy: Whose terms of sale are taken.
        notes: What stands in for facts that are missing, each in Chinese and English.
        depth_ratios: Volume over the mean from the day after the business date on, the last one without end, as the
            haircut's close-out takes it.
        season: What that rests on; None in decisions made when a stress sold at the mean volume all year and credited
            the sale with rebounds.
    """

    unit: str
    scheme: str
    vintage: int | None
    price_cny_per_t: Decimal
    volatility: Decimal
    daily_volume_t: Decimal | None
    selling_ratio: Decimal | None
    wait_days: int
    participation_ratio: Decimal
    daily_limit_ratio: Decimal | None
    bid_ask_ratio: Decimal
    impact: Decimal
    days_to_last_use: int | None
    has_known_end: bool
    policy: str
    source: str
    notes: tuple[tuple[str, str], ...]
    depth_ratios: tuple[Decimal, ...] | None = field(default=None, metadata=ADDED_LATER)
    season: SeasonDepth | None = field(default=None, metadata=ADDED_LATER)

    @property
    def depth_words(self) -> tuple[str, str]:
        """How much of the mean volume a sale meets, and when, Chinese and English."""
        if self.season is None:
            return (
                "全年按日均成交量计（未计清缴后成交清淡；测试早于季节性深度）",
                "the mean volume all year: made before the thin season after the surrender was counted",
            )
        if self.season.ratio is None or not self.depth_ratios:
            return "清缴后成交量未知，按无法变现计", "volume after the surrender not known: nothing sells"
        level_days, ratio = len(self.depth_ratios) - 1, self.season.ratio
        if not level_days:
            return f"自首日起按日均的 {ratio} 倍计", f"{ratio} of the mean from the first day"
        return (
            f"前 {level_days} 个交易日（至清缴截止）按日均计，其后按 {ratio} 倍计",
            f"the mean for {level_days} trading days, to the surrender deadline, then {ratio} of it",
        )

    def __post_init__(self) -> None:
        """Refuse a price that is none and a volatility beyond the model."""
        if self.price_cny_per_t <= 0 or not 0 < self.volatility <= 10:
            raise _wrong(f"{self.unit}: price and volatility must be positive", f"{self.unit} 的价格与波动率须为正",
                         "units")  # fmt: skip
        if any(not 0 <= one <= 1 for one in self.depth_ratios or ()):
            raise _wrong(f"{self.unit}: a seasonal depth is outside 0 to 1", f"{self.unit} 的季节性深度须在 0 至 1",
                         "units")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StressLine:
    """Tonnes of one unit with the haircut of the day; what authorities froze is not among them."""

    unit: str
    quantity_t: int
    haircut_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class StressAgreement:
    """A pledge or a repo as it stands.

    Attributes:
        pledgor: Name of who answers its calls.
        debt_cny: What is owed less margin held, 元.
        initial_ratio: The cover that a call restores.
        warning_ratio: A value below it times the debt is called.
        minimum_cny: A call below it is not made.
        cure_days: Trading days to meet a call.
        pledgor_id: Who that is, whatever the name; None in decisions made when names alone told pledgors apart.
    """

    code: str
    kind: str
    pledgor: str
    debt_cny: Decimal
    lines: tuple[StressLine, ...]
    initial_ratio: Decimal
    warning_ratio: Decimal
    minimum_cny: Decimal
    cure_days: int
    pledgor_id: str | None = field(default=None, metadata=ADDED_LATER)

    @property
    def owner(self) -> str:
        """What tells its pledgor from others."""
        return self.pledgor if self.pledgor_id is None else self.pledgor_id

    def __post_init__(self) -> None:
        """Refuse a debt below nought and lines out of order."""
        if self.debt_cny < 0 or not 0 < self.warning_ratio <= self.initial_ratio or self.cure_days < 0:
            raise _wrong(f"agreement {self.code} is out of order", f"{self.code} 的债权、担保线或补足期有误",
                         "agreements")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StressPledgor:
    """Who answers calls, and from what.

    Attributes:
        free: Units of its own that it could add, by the haircut of the day.
        cash_cny: What it can raise within a cure period; None where nobody stated it, which counts as nothing.
        cash_source: Where that was stated, or why it is not known.
        party_id: Who it is; None in decisions made when names alone told pledgors apart.
    """

    name: str
    free: tuple[StressLine, ...]
    cash_cny: Decimal | None
    cash_source: str
    party_id: str | None = field(default=None, metadata=ADDED_LATER)

    @property
    def key(self) -> str:
        """What tells it from others."""
        return self.name if self.party_id is None else self.party_id

    def __post_init__(self) -> None:
        """Refuse cash below nought."""
        if self.cash_cny is not None and self.cash_cny < 0:
            raise _wrong(f"cash of {self.name} is negative", f"{self.name} 的可用资金不能为负", "cash_cny")


@dataclass(frozen=True, slots=True, kw_only=True)
class StressScenario:
    """One stress of the book; every part of it may stand alone.

    Attributes:
        price_ratio: What prices fall by in the end, 0.3 for 30%.
        price_days: Trading days over which they do, evenly in log price.
        is_simulated: Whether prices also walk at random, all schemes together.
        cliff_day: Trading day from which old vintages are worth nothing; None where none falls.
        cliff_years: How many years before the business year's own a vintage is old; a unit whose end is not known is.
        outage_days: Trading days from the first on which the registry moves nothing: no unit is added or sold.
        cash_ratio: Part of the stated cash that pledgors still have.
    """

    code: str
    name_zh: str
    name_en: str
    price_ratio: Decimal
    price_days: int
    is_simulated: bool
    cliff_day: int | None
    cliff_years: int
    outage_days: int
    cash_ratio: Decimal

    def __post_init__(self) -> None:
        """Refuse parts out of range, naming the field."""
        for name, low, high in (
            ("price_ratio", 0, Decimal("0.99")), ("price_days", 1, MOST_DAYS), ("cliff_years", 0, 50),
            ("outage_days", 0, MOST_DAYS), ("cash_ratio", 0, 1),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high:
                raise _wrong(f"{name} is {value}, outside {low} to {high}",
                             f"{FIELD_NAMES[name][0]}为 {value}，须在 {low} 至 {high}", name)  # fmt: skip
        if self.cliff_day is not None and not 1 <= self.cliff_day <= MOST_DAYS:
            raise _wrong(f"the cliff on day {self.cliff_day}", f"失效日须在第 1 至 {MOST_DAYS} 个交易日", "cliff_day")
        if not self.code.strip() or not self.name_zh.strip():
            raise _wrong("a stress lacks its name", "压力情景须有名称", "name_zh")


FIELD_NAMES: Mapping[str, tuple[str, str]] = {
    "price_ratio": ("价格跌幅", "Fall of prices"),
    "price_days": ("下跌历时（交易日）", "Trading days of the fall"),
    "cliff_day": ("旧年度失效日（第几个交易日）", "Trading day of the cliff"),
    "cliff_years": ("失效年度界限（年）", "Years that make a vintage old"),
    "outage_days": ("登记系统中断（交易日）", "Registry outage (trading days)"),
    "cash_ratio": ("可用资金剩余比例", "Part of the cash left"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StressMarket:
    """How simulated prices move together, and how far the stress looks.

    Attributes:
        days: Trading days on which calls are made.
        tail_ratio: 1 - confidence of the loss told beside the mean.
        correlation: Between the log prices of any two schemes; vintages of one move as one.
        jumps_per_year: Joint jumps down a year, all schemes at once.
        jump_mean: Mean size of one in log price.
    """

    days: int
    tail_ratio: Decimal
    correlation: Decimal
    jumps_per_year: Decimal
    jump_mean: Decimal

    def __post_init__(self) -> None:
        """Refuse what lies outside the model."""
        ranges = (
            ("days", 1, MOST_DAYS), ("tail_ratio", Decimal("0.001"), Decimal("0.5")), ("correlation", 0, 1),
            ("jumps_per_year", 0, 250), ("jump_mean", Decimal("0.0001"), 5),
        )  # fmt: skip
        assert len(ranges) == len(fields(self)), "each has its range"
        for name, low, high in ranges:
            value = getattr(self, name)
            if not low <= value <= high:
                raise _wrong(f"{name} is {value}, outside {low} to {high}", f"{name} 为 {value}，须在 {low} 至 {high}",
                             name)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StressInputs:
    """Everything a stress of the book hangs on.

    Attributes:
        left_out: Agreements that could not be valued, each with the reason in Chinese and English.
        parameters: The dated values that the stresses and the market were read from.
    """

    business_date: date
    agreements: tuple[StressAgreement, ...]
    pledgors: tuple[StressPledgor, ...]
    units: tuple[StressUnit, ...]
    scenarios: tuple[StressScenario, ...]
    market: StressMarket
    path_count: int
    seed: int
    left_out: tuple[tuple[str, str, str], ...]
    parameters: tuple[ParameterValue, ...]

    def __post_init__(self) -> None:
        """Refuse an empty book, stresses without or twice a name, and paths out of range."""
        if not self.agreements:
            raise _wrong("there is no agreement to stress", "没有可供压力测试的存续协议", "agreements")
        if not 1 <= len(self.scenarios) <= MOST_SCENARIOS:
            raise _wrong(f"{len(self.scenarios)} stresses", f"压力情景须为 1 至 {MOST_SCENARIOS} 个", "scenarios")
        codes = [one.code for one in self.scenarios]
        if len(set(codes)) != len(codes):
            raise _wrong("a stress stands twice", "压力情景编号重复", "scenarios")
        if not FEWEST_PATHS <= self.path_count <= MOST_PATHS or not 0 <= self.seed <= 2**31:
            raise _wrong(f"{self.path_count} paths, seed {self.seed}",
                         f"路径数须在 {FEWEST_PATHS} 至 {MOST_PATHS}，随机种子不能为负", "path_count")  # fmt: skip
        known = {one.unit for one in self.units}
        named = {one.key for one in self.pledgors}
        for agreement in self.agreements:
            if agreement.owner not in named or any(line.unit not in known for line in agreement.lines):
                raise _wrong(f"{agreement.code} names a unit or pledgor that is not there",
                             f"{agreement.code} 的标的或出质人未列入", "agreements")  # fmt: skip


def _wrong(detail: str, zh: str, field: str) -> InvalidInput:
    return InvalidInput(detail, zh=zh, field=field)
