"""Entries of an enterprise carbon account (企业碳账户): what was used, made and stated, one line each, with two dates.

A line speaks of a year, or of one of its months, and is known from the day it was entered. A correction is a new
version of the line with its reason; a line struck out is a version without a quantity.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput
from loans.calc.ratings.emissions import FUEL_NAMES_ZH, Fuel, fuel_quantity_unit
from loans.calc.ratings.rating_account import SizeClass

FIRST_YEAR, LAST_YEAR = 2005, 2099
GAS_UNIT = "万Nm3"
WHOLE_YEAR = 0  # month of a line that speaks of the year as a whole
MONTHS = 12
_KWH_MAX = Decimal(900_000_000_000)
_TONNES_MAX = Decimal(400_000_000)
_CNY_MAX = Decimal(400_000_000_000)
_KWH_OF_CERTIFICATE = 1000  # one green certificate stands for one MWh
_PLACES_MAX = 6
_LENGTHS = {"item": 64, "factor_id": 20, "evidence": 200, "source": 200, "reason": 2000}
_BLANKS = str.maketrans("", "", "\u3000\u00a0")  # full-width blanks are no control characters


class EntryKind(StrEnum):
    """What a line of an account speaks of."""

    ELECTRICITY = "electricity"
    METER = "meter"
    INVOICE_ELECTRICITY = "invoice_electricity"
    INVOICE_AMOUNT = "invoice_amount"
    INVOICE_FUEL = "invoice_fuel"
    INVOICE_HEAT = "invoice_heat"
    FUEL = "fuel"
    HEAT = "heat"
    PROCESS = "process"
    GREEN_POWER = "green_power"
    GREEN_DEDUCTED = "green_deducted"
    VALUE_ADDED = "value_added"
    REVENUE = "revenue"
    TAX = "tax"
    KEY_EMITTER = "key_emitter"
    SIZE_CLASS = "size_class"
    COMPARABLE = "comparable"
    VERIFICATION = "verification"
    DATA_QUALITY = "data_quality"
    TARGET = "target"
    MANAGEMENT = "management"
    FALSE_REPORTING = "false_reporting"
    CREDIT_RECORD = "credit_record"


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTerms:
    """How lines of one kind are written.

    Attributes:
        unit: Unit of the quantity; a fuel's is its own.
        item: What tells lines of one month apart, or empty where there is one line.
        by_month: Whether a month may be named.
        whole: Whether the quantity is a whole number.
        least: Least quantity.
        most: Most quantity.
        year_band: Below and above, a year's quantity is asked about before it is taken; a twelfth of it for a month.
        needs_evidence: Whether a document must be named.
    """

    title_zh: str
    title_en: str
    unit: str
    item: str = ""
    by_month: bool = False
    whole: bool = False
    least: Decimal = Decimal(0)
    most: Decimal
    year_band: tuple[Decimal, Decimal] | None = None
    needs_evidence: bool = False


def _kwh(
    title_zh: str, title_en: str, *, item: str = "", least_asked: int = 10_000, needs_evidence: bool = False
) -> KindTerms:
    return KindTerms(
        title_zh=title_zh, title_en=title_en, unit="kWh", item=item, by_month=True, whole=True, most=_KWH_MAX,
        # Below 1 万 kWh a year, 万kWh written for kWh is likelier than the enterprise; above 200 亿, the reverse.
        year_band=(Decimal(least_asked), Decimal(20_000_000_000)), needs_evidence=needs_evidence,
    )  # fmt: skip


def _money(title_zh: str, title_en: str, *, least: Decimal = Decimal(0)) -> KindTerms:
    return KindTerms(
        title_zh=title_zh, title_en=title_en, unit="元", least=least, most=_CNY_MAX,
        # Below 10 万元 a year, 万元 written for 元 is likelier; above 2000 亿元, the reverse.
        year_band=(Decimal(100_000), Decimal(200_000_000_000)),
    )  # fmt: skip


def _level(
    title_zh: str, title_en: str, most: int, *, least: int = 0, unit: str = "级", needs_evidence: bool = False
) -> KindTerms:
    return KindTerms(
        title_zh=title_zh, title_en=title_en, unit=unit, whole=True, least=Decimal(least), most=Decimal(most),
        needs_evidence=needs_evidence,
    )  # fmt: skip


KINDS: Mapping[EntryKind, KindTerms] = {
    EntryKind.ELECTRICITY: _kwh("用电量（申报）", "Electricity as reported", item="户号或电表号"),
    EntryKind.METER: _kwh("电表抄见电量", "Electricity by meters", item="电表号"),
    EntryKind.INVOICE_ELECTRICITY: _kwh("发票电量", "Electricity on invoices", item="发票号码"),
    EntryKind.INVOICE_AMOUNT: KindTerms(
        title_zh="能源发票金额", title_en="Amount of energy invoices", unit="元", item="发票号码", by_month=True,
        most=_CNY_MAX,
    ),
    EntryKind.INVOICE_FUEL: KindTerms(
        title_zh="发票燃料数量", title_en="Fuel on invoices", unit="", item="燃料/发票号码", by_month=True,
        most=_TONNES_MAX,
    ),
    EntryKind.INVOICE_HEAT: KindTerms(
        title_zh="发票热力数量", title_en="Heat on invoices", unit="GJ", item="发票号码", by_month=True, most=_KWH_MAX
    ),
    EntryKind.FUEL: KindTerms(
        title_zh="燃料消费量", title_en="Fuel used", unit="", item="燃料", by_month=True, most=_TONNES_MAX
    ),
    EntryKind.HEAT: KindTerms(
        title_zh="外购热力", title_en="Heat bought", unit="GJ", item="户号或电表号", by_month=True, most=_KWH_MAX
    ),
    EntryKind.PROCESS: KindTerms(
        title_zh="过程排放", title_en="Process emissions", unit="t", by_month=True, most=_TONNES_MAX
    ),
    EntryKind.GREEN_POWER: _kwh(
        "绿电（未核减）", "Green power, not deducted", item="绿证或交易凭证号", least_asked=_KWH_OF_CERTIFICATE,
        needs_evidence=True,
    ),
    EntryKind.GREEN_DEDUCTED: _kwh(
        "绿电（已在排放中核减）", "Green power deducted from emissions", item="绿证或交易凭证号",
        least_asked=_KWH_OF_CERTIFICATE, needs_evidence=True,
    ),
    EntryKind.VALUE_ADDED: _money("增加值", "Value added", least=-_CNY_MAX),
    EntryKind.REVENUE: _money("主营业务收入", "Revenue"),
    EntryKind.TAX: KindTerms(title_zh="纳税额", title_en="Tax paid", unit="元", most=_CNY_MAX),
    EntryKind.KEY_EMITTER: _level("重点排放单位（1 是 0 否）", "Key emitting entity (1 yes, 0 no)", 1, unit="是否"),
    EntryKind.SIZE_CLASS: _level(
        "企业规模（0 大 1 中 2 小 3 微）", "Size (0 large to 3 micro)", len(SizeClass) - 1, unit="级"
    ),
    EntryKind.COMPARABLE: _level(
        "与上年口径一致（1 是 0 否）", "Same boundary as the year before (1 yes, 0 no)", 1, unit="是否"
    ),
    EntryKind.VERIFICATION: _level("核查等级", "Verification", 3, needs_evidence=True),
    EntryKind.DATA_QUALITY: _level("数据质量等级（1 最好）", "Data quality (1 best)", 5, least=1),
    EntryKind.TARGET: _level("减排目标等级", "Targets", 2, needs_evidence=True),
    EntryKind.MANAGEMENT: _level(
        "管理体系认证（1 有 0 无）", "Certified management system (1 yes, 0 no)", 1, unit="是否", needs_evidence=True
    ),
    EntryKind.FALSE_REPORTING: _level(
        "24 个月内虚报瞒报漏报处罚次数", "Penalties for false reporting in 24 months", 1000, unit="次",
        needs_evidence=True,
    ),
    EntryKind.CREDIT_RECORD: KindTerms(
        title_zh="信用记录（查得失信、处罚记录条数）", title_en="Credit record (adverse records found)", unit="条",
        item="查询的登记系统", whole=True, most=Decimal(1000), needs_evidence=True,
    ),
}  # fmt: skip
"""Every kind with its terms; bands are our own choice, they ask and never decide."""

GREEN_KINDS = frozenset({EntryKind.GREEN_POWER, EntryKind.GREEN_DEDUCTED})
POWER_KINDS = frozenset({EntryKind.ELECTRICITY})
UNRATED_KINDS = frozenset({EntryKind.CREDIT_RECORD, EntryKind.INVOICE_FUEL, EntryKind.INVOICE_HEAT})
"""What stands in an account for its readers and enters no rating."""
ALWAYS_EVIDENCED = frozenset({EntryKind.CREDIT_RECORD})
"""Kinds whose nought is a finding too: that nothing was found must be shown."""
_TOGETHER = frozenset({EntryKind.INVOICE_ELECTRICITY, EntryKind.INVOICE_HEAT})  # each invoice has a number of its own
_NUMBER_SEPARATOR = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEntry:
    """One line of an account.

    Attributes:
        month: 1 to 12, or 0 for the year as a whole.
        item: Meter, fuel, invoice or certificate; empty where the kind has one line.
        quantity: In the kind's unit; None strikes the line out.
        factor_id: Grid area of the electricity factor, for electricity alone.
        factor_year: Year of that factor.
        evidence: The document that shows it.
        source: Who gave it.
        reason: Why it corrects the line before; empty for a first one.
        version: Starts at 1; a correction adds one.
    """

    kind: EntryKind
    year: int
    month: int
    item: str
    quantity: Decimal | None
    factor_id: str
    factor_year: int | None
    evidence: str
    source: str
    reason: str = ""
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse what the kind does not allow.

        Raises:
            InvalidInput: Names the field, the value, the rule and what to do.
        """
        terms = KINDS[self.kind]
        if not FIRST_YEAR <= self.year <= LAST_YEAR:
            raise refusal(
                "year", f"year {self.year} is not within {FIRST_YEAR} to {LAST_YEAR}", "年度超出范围",
                remedy=("Write the calendar year, such as 2024.", "请填写公历年份，例如 2024。"),
            )  # fmt: skip
        if not (WHOLE_YEAR <= self.month <= MONTHS) or (self.month and not terms.by_month):
            raise refusal(
                "month", f"month {self.month} is not one of {self.kind}", f"{terms.title_zh}的月份应为 1 至 12 或留空"
                if terms.by_month else f"{terms.title_zh}按年填报，月份应留空",
                remedy=("Write 1 to 12, or leave it empty for the year.", "按月填 1 至 12，全年留空。")
                if terms.by_month else ("Leave the month empty.", "请将月份留空。"),
            )  # fmt: skip
        for field, most in _LENGTHS.items():
            refuse_text(getattr(self, field), field=field, most=most)
        self._refuse_item(terms)
        self._refuse_quantity(terms)
        self._refuse_factor()
        is_said = self.quantity is not None if self.kind in ALWAYS_EVIDENCED else bool(self.quantity)
        if terms.needs_evidence and not self.evidence and is_said:
            raise refusal(
                "evidence", f"{self.kind} needs its document", f"{terms.title_zh}须填写证明材料",
                remedy=("Name the document: its number or digest.", "请填写文件编号或文件摘要。"),
            )  # fmt: skip
        if not self.source:
            raise refusal(
                "source", "the source is empty", "须填写数据来源",
                remedy=("Say who gave the figure.", "请填写数据由谁提供。"),
            )  # fmt: skip

    @property
    def series(self) -> tuple[EntryKind, str]:
        """What a line is set beside in other periods: of its meter or fuel; invoices together."""
        if self.kind is EntryKind.INVOICE_FUEL:
            return self.kind, self.item.partition(_NUMBER_SEPARATOR)[0]
        return self.kind, "" if self.kind in _TOGETHER else self.item

    @property
    def key(self) -> tuple[EntryKind, int, int, str]:
        """What makes it one line: a later version has the same."""
        return self.kind, self.year, self.month, self.item

    @property
    def unit(self) -> str:
        """Unit of the quantity."""
        return unit_of(self.kind, self.item)

    @property
    def item_zh(self) -> str:
        """The item as a person reads it: a fuel by its Chinese name."""
        if self.kind is EntryKind.INVOICE_FUEL:
            fuel, separator, number = self.item.partition(_NUMBER_SEPARATOR)
            return f"{FUEL_NAMES_ZH[fuel_of(fuel)]}{separator}{number}"
        return FUEL_NAMES_ZH[fuel_of(self.item)] if self.kind is EntryKind.FUEL else self.item

    @property
    def label_zh(self) -> str:
        """The line in words."""
        month = f" {self.month} 月" if self.month else ""
        return f"{KINDS[self.kind].title_zh} {self.year} 年{month}{f' {self.item_zh}' if self.item else ''}"

    def _refuse_item(self, terms: KindTerms) -> None:
        if bool(self.item) != bool(terms.item):
            raise refusal(
                "item", f"{self.kind} {'needs' if terms.item else 'takes no'} item", f"须填写{terms.item}"
                if terms.item else f"{terms.title_zh}不分明细，明细编号应留空",
                remedy=("Name it.", f"请填写{terms.item}。") if terms.item else ("Leave it empty.", "请将明细留空。"),
            )  # fmt: skip
        if self.kind is EntryKind.FUEL:
            fuel_of(self.item)
        if self.kind is EntryKind.INVOICE_FUEL:
            invoiced_fuel_of(self.item)

    def _refuse_quantity(self, terms: KindTerms) -> None:
        value = self.quantity
        if value is None:
            return
        if value.is_finite() and value < terms.least and not terms.least:
            raise refusal(
                "quantity", f"{self.kind} is {value}, below nought", f"{terms.title_zh} {value} 为负数，不接受",
                remedy=(
                    "Correct the line a refund or reversal belongs to, with its reason; `void` strikes a line out.",
                    "冲红、退补请更正原明细并填写更正原因；撤销一条明细填“作废”。",
                ),
            )  # fmt: skip
        if not value.is_finite() or not terms.least <= value <= terms.most:
            raise refusal(
                "quantity", f"{self.kind} is {value}; it must be {terms.least} to {terms.most}",
                f"{terms.title_zh} {value} 超出范围（{terms.least} 至 {terms.most}）",
                remedy=("Check the figure and its unit.", "请核对数值与单位。"),
            )  # fmt: skip
        places = 0 if terms.whole else 2 if terms.unit == "元" else _PLACES_MAX
        if value != round(value, places):
            raise refusal(
                "quantity", f"{self.kind} {value} has more than {places} places",
                f"{terms.title_zh} {value} 小数位多于 {places} 位",
                remedy=(f"Round it to {places} places yourself.", f"请自行舍入至 {places} 位小数后填写。"),
            )  # fmt: skip

    def _refuse_factor(self) -> None:
        if self.kind in POWER_KINDS:
            if not self.factor_id or self.factor_year is None:
                raise refusal(
                    "factor_id", "electricity needs its grid factor and year", "用电量须有电网因子及其年份",
                    remedy=("Name area and year.", "请填写地区与因子年份。"),
                )  # fmt: skip
            if self.factor_year > self.year:
                raise refusal(
                    "factor_year", f"factor year {self.factor_year} is after {self.year}",
                    f"因子年份 {self.factor_year} 晚于用电年度 {self.year}",
                    remedy=("Name a factor of that year or before.", "请填写该年度或以前年份的因子。"),
                )  # fmt: skip
        elif self.factor_id or self.factor_year is not None:
            raise refusal(
                "factor_id", f"{self.kind} takes no grid factor", "该项目不填电网因子",
                remedy=("Leave factor and year empty.", "请将电网因子与因子年份留空。"),
            )  # fmt: skip


def refuse_text(text: str, *, field: str, most: int) -> None:
    """Refuse text that is too long for a line, or holds signs that no reader sees.

    Raises:
        InvalidInput: Names the field and the rule.
    """
    if len(text) > most or not text.translate(_BLANKS).isprintable():
        raise refusal(
            field, f"{field} has {len(text)} characters; at most {most}, none of them control characters",
            f"文字超过 {most} 个字符，或含有不可见的控制字符",
            remedy=("Shorten it; type it anew.", "请缩短，或重新键入以去掉不可见字符。"),
        )  # fmt: skip


def refusal(field: str, detail: str, zh: str, *, remedy: tuple[str, str]) -> InvalidInput:
    """Give the refusal of a field, with what to do in English and Chinese."""
    return InvalidInput(detail, zh=zh, field=field, remedy=remedy[0], remedy_zh=remedy[1])


def fuel_of(item: str) -> Fuel:
    """Give the fuel a line names.

    Raises:
        InvalidInput: No fuel of that name.
    """
    try:
        return Fuel(item)
    except ValueError:
        raise refusal(
            "item", f"{item!r} is no fuel; write one of {', '.join(Fuel)}", f"“{item}”不是燃料名称",
            remedy=("Write the name of a fuel with a factor.", "可填：" + "、".join(FUEL_NAMES_ZH.values()) + "。"),
        ) from None  # fmt: skip


def invoiced_fuel_of(item: str) -> Fuel:
    """Give the fuel of a line of an invoice, written fuel/number.

    Raises:
        InvalidInput: It names no fuel, or no number.
    """
    fuel, _, number = item.partition(_NUMBER_SEPARATOR)
    if not number:
        raise refusal(
            "item", f"{item!r} names no invoice", f"“{item}”缺少发票号码",
            remedy=("Write fuel/number, such as natural_gas/24952000.", "请写成“燃料/发票号码”，如 天然气/24952000。"),
        )  # fmt: skip
    return fuel_of(fuel)


def unit_of(kind: EntryKind, item: str) -> str:
    """Give the unit of a line's quantity."""
    if kind in {EntryKind.FUEL, EntryKind.INVOICE_FUEL}:
        fuel = fuel_of(item) if kind is EntryKind.FUEL else invoiced_fuel_of(item)
        return "t" if fuel_quantity_unit(fuel) == "t fuel" else GAS_UNIT
    return KINDS[kind].unit
