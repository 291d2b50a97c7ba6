"""What the scorecard takes of an enterprise: whole numbers of small units, so that nothing is rounded on entry."""

from dataclasses import dataclass, fields
from enum import IntEnum

from carbonfin.kernel.enterprises import Industry
from carbonfin.kernel.errors import InvalidInput

# GB/T 4754-2017: the last division of each section, from memory of the standard's table of contents.
_SECTION_ENDS = {
    "A": 5, "B": 12, "C": 43, "D": 46, "E": 50, "F": 52, "G": 60, "H": 62, "I": 65, "J": 69, "K": 70, "L": 72, "M": 75,
    "N": 79, "O": 82, "P": 83, "Q": 85, "R": 90, "S": 96, "T": 97,
}  # fmt: skip
DIVISION_COUNT = 97
_KG_MAX = 400_000_000_000  # 4 亿 t: above any enterprise, and 1e7 times it stays within 64 bits
_FEN_MAX = 40_000_000_000_000  # 4000 亿元: above it, 元 for 万元 is likelier than the enterprise
_KWH_MAX = 900_000_000_000  # 9000 亿 kWh
_COUNT_MAX = 1_000


class SizeClass(IntEnum):
    """Size of an enterprise (统计上大中小微型企业)."""

    LARGE = 0
    MEDIUM = 1
    SMALL = 2
    MICRO = 3


# Each input with the least and most it may be; a unit slip of ten thousand mostly falls outside.
LIMITS: dict[str, tuple[int, int]] = {
    "division": (1, DIVISION_COUNT),
    "size_class": (0, len(SizeClass) - 1),
    "is_key_emitter": (0, 1),
    "emissions_kg": (0, _KG_MAX),
    "emissions_previous_kg": (0, _KG_MAX),
    "is_comparable": (0, 1),
    "value_added_fen": (-_FEN_MAX, _FEN_MAX),
    "value_added_previous_fen": (-_FEN_MAX, _FEN_MAX),
    "allocation_kg": (0, _KG_MAX),
    "obligation_kg": (0, _KG_MAX),
    "surrendered_on_time_kg": (0, _KG_MAX),
    "verification_level": (0, 3),
    "electricity_kwh": (0, _KWH_MAX),
    "metered_kwh": (0, _KWH_MAX),
    "bill_months_count": (0, 12),
    "invoice_kwh": (0, _KWH_MAX),
    "green_kwh": (0, _KWH_MAX),
    "green_deducted_kwh": (0, _KWH_MAX),
    "target_level": (0, 2),
    "management_level": (0, 1),
    "data_quality_grade": (1, 5),
    "false_reporting_count": (0, _COUNT_MAX),
    "missed_surrender_count": (0, _COUNT_MAX),
    "previous_letter": (0, 4),
}
INPUT_NAMES_ZH: dict[str, str] = {
    "division": "行业大类", "size_class": "企业规模", "is_key_emitter": "是否重点排放单位", "emissions_kg": "排放量",
    "emissions_previous_kg": "上年排放量", "is_comparable": "与上年口径一致", "value_added_fen": "增加值",
    "value_added_previous_fen": "上年增加值", "allocation_kg": "核定配额", "obligation_kg": "应清缴量",
    "surrendered_on_time_kg": "按时清缴量", "verification_level": "核查等级", "electricity_kwh": "用电量",
    "metered_kwh": "抄表电量", "bill_months_count": "账单月数", "invoice_kwh": "发票电量", "green_kwh": "绿电电量",
    "green_deducted_kwh": "已核减绿电", "target_level": "减排目标", "management_level": "管理体系",
    "data_quality_grade": "数据质量等级", "false_reporting_count": "虚报瞒报漏报处罚次数",
    "missed_surrender_count": "未足额清缴次数", "previous_letter": "上次等级",
}  # fmt: skip
# The left may not exceed the right: a part is no larger than its whole.
PARTS = (
    ("metered_kwh", "electricity_kwh"),
    ("green_kwh", "electricity_kwh"),
    ("green_deducted_kwh", "green_kwh"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingAccount:
    """One enterprise and year as the scorecard takes it; None is not known, which is never zero.

    Attributes:
        division: Division of GB/T 4754, 1 to 97.
        size_class: Of `SizeClass`.
        is_key_emitter: 重点排放单位 in that year: 1 or 0; it picks the weights.
        emissions_kg: Emissions of the year, location based, after any 核减 of green power.
        emissions_previous_kg: The same of the year before.
        is_comparable: Whether both years have one boundary and method: 1 or 0.
        value_added_fen: Value added of the year; nought or a loss gives no intensity.
        allocation_kg: Allowances due for the output of the year, so that a slump in output is no merit.
        obligation_kg: What was to be surrendered by the last deadline.
        surrendered_on_time_kg: What was, by that deadline.
        verification_level: 0 none, 1 stated with evidence, 2 limited and 3 reasonable assurance.
        electricity_kwh: Purchased electricity as reported.
        metered_kwh: Part of it read by meters the enterprise does not keep.
        bill_months_count: Months of the year with an electricity bill on file.
        invoice_kwh: Electricity on tax invoices.
        green_kwh: Green power with evidence; `green_deducted_kwh` is the part already 核减 in the emissions.
        target_level: 0 none, 1 set, 2 set and confirmed by a third party.
        management_level: 1 where an energy or carbon management system is certified.
        data_quality_grade: 1 best to 5 (PCAF).
        false_reporting_count: Penalties for 虚报、瞒报、漏报 within the last 24 months.
        missed_surrender_count: Surrenders not made in time and full that are not yet made good.
        previous_letter: Letter of the rating before, 0 for A to 4 for E; None where there is none.
    """

    division: int | None
    size_class: int | None
    is_key_emitter: int | None
    emissions_kg: int | None
    emissions_previous_kg: int | None
    is_comparable: int | None
    value_added_fen: int | None
    value_added_previous_fen: int | None
    allocation_kg: int | None
    obligation_kg: int | None
    surrendered_on_time_kg: int | None
    verification_level: int | None
    electricity_kwh: int | None
    metered_kwh: int | None
    bill_months_count: int | None
    invoice_kwh: int | None
    green_kwh: int | None
    green_deducted_kwh: int | None
    target_level: int | None
    management_level: int | None
    data_quality_grade: int | None
    false_reporting_count: int | None
    missed_surrender_count: int | None
    previous_letter: int | None

    def __post_init__(self) -> None:
        """Refuse what lies outside its limits, and a part larger than its whole.

        Raises:
            InvalidInput: Names the field, the value and the limit.
        """
        for name, (least, most) in LIMITS.items():
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int) and least <= value <= most):
                raise InvalidInput(
                    f"{name} is {value!r}; it must be a whole number from {least} to {most}",
                    zh=f"{name} 为 {value!r}，应为 {least} 至 {most} 的整数",
                    field=name,
                    remedy="Check the unit: 元 or 万元, t or 万t.",
                    remedy_zh="请核对单位：元与万元、吨与万吨。",
                )
        for part, whole in PARTS:
            smaller, larger = getattr(self, part), getattr(self, whole)
            if smaller is not None and larger is not None and smaller > larger:
                raise InvalidInput(
                    f"{part} {smaller} exceeds {whole} {larger}",
                    zh=f"{part} {smaller} 大于 {whole} {larger}",
                    field=part,
                )


INPUTS = tuple(field.name for field in fields(RatingAccount))


def division_of(industry: Industry) -> int:
    """Give the division (大类) of an industry: its first two digits.

    Raises:
        InvalidInput: The division does not belong to the section letter.
    """
    division = int(industry.code[1:3])
    if division not in range(1, DIVISION_COUNT + 1) or section_of(division) != industry.code[0]:
        raise InvalidInput(
            f"industry {industry.code}: division {division:02} is not in section {industry.code[0]}",
            zh=f"行业代码 {industry.code} 的大类 {division:02} 不属于门类 {industry.code[0]}",
            field="industry",
        )
    return division


def section_of(division: int) -> str:
    """Give the section letter (门类) of a division."""
    return next(letter for letter, end in _SECTION_ENDS.items() if division <= end)
