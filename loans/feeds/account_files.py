"""Lines of carbon accounts from a file, CSV or xlsx, one line a row; every fault names line, column and remedy."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from carbonfin.documents.text_tables import Columns, TextTable, read_rows, read_table
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.enterprises import Usci
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal
from loans.calc.account_entries import GAS_UNIT, KINDS, WHOLE_YEAR, EntryKind
from loans.calc.ratings.emissions import FUEL_NAMES_ZH

ENTRY_COLUMNS = Columns(
    aliases={
        "usci": ("usci", "统一社会信用代码"),
        "kind": ("kind", "项目"),
        "year": ("year", "年度"),
        "month": ("month", "月份"),
        "item": ("item", "明细"),
        "quantity": ("quantity", "数量"),
        "unit": ("unit", "单位"),
        "factor_id": ("factor_id", "电网因子"),
        "factor_year": ("factor_year", "因子年份"),
        "evidence": ("evidence", "证明材料"),
        "source": ("source", "数据来源"),
        "confirmed": ("confirmed", "单位已核对"),
        "reason": ("reason", "更正原因"),
    },
    required=("usci", "kind", "year", "quantity", "unit", "source"),
    example=(
        "统一社会信用代码,项目,年度,月份,明细,数量,单位,电网因子,因子年份,证明材料,数据来源,单位已核对,更正原因\n"
        "91440300EXAMPLE466,用电量,2024,1,0103001,312000,kWh,广东,2022,,电费账单,,\n"
        "91440300EXAMPLE466,燃料,2024,,天然气,12,万Nm3,,,,能源台账,,\n"
        "91440300EXAMPLE466,增加值,2024,,,61500000,元,,,,纳税申报,,\n"
    ),
)
"""One row a line of an account."""

_SHORT_NAMES: Mapping[str, EntryKind] = {
    "用电量": EntryKind.ELECTRICITY, "抄表电量": EntryKind.METER, "发票电量": EntryKind.INVOICE_ELECTRICITY,
    "发票金额": EntryKind.INVOICE_AMOUNT, "发票燃料": EntryKind.INVOICE_FUEL, "发票热力": EntryKind.INVOICE_HEAT,
    "燃料": EntryKind.FUEL, "热力": EntryKind.HEAT, "过程排放": EntryKind.PROCESS,
    "绿电": EntryKind.GREEN_POWER, "已核减绿电": EntryKind.GREEN_DEDUCTED, "增加值": EntryKind.VALUE_ADDED,
    "营业收入": EntryKind.REVENUE, "纳税额": EntryKind.TAX, "重点排放单位": EntryKind.KEY_EMITTER,
    "企业规模": EntryKind.SIZE_CLASS, "口径一致": EntryKind.COMPARABLE, "核查等级": EntryKind.VERIFICATION,
    "数据质量": EntryKind.DATA_QUALITY, "减排目标": EntryKind.TARGET, "管理体系": EntryKind.MANAGEMENT,
    "虚报处罚": EntryKind.FALSE_REPORTING, "信用记录": EntryKind.CREDIT_RECORD,
}  # fmt: skip
ENTRY_NAMES_ZH: Mapping[EntryKind, str] = {kind: name for name, kind in _SHORT_NAMES.items()}
"""The word a file names each kind by."""
_FUELS = {name: fuel for fuel, name in FUEL_NAMES_ZH.items()}
_UNITS = {"kwh": "kWh", "千瓦时": "kWh", "度": "kWh", "吨": "t", "t": "t", "元": "元", "gj": "GJ", "吉焦": "GJ",
          "万nm3": GAS_UNIT, "万标准立方米": GAS_UNIT, "10^4nm3": GAS_UNIT, "级": "级", "是否": "是否", "次": "次",
          "条": "条", "tco2": "t"}  # fmt: skip
_YES = frozenset({"是", "yes", "true", "1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """What one row says, before it is set beside the account.

    Attributes:
        factor_id: Grid area, or empty for that of the enterprise's province.
        factor_year: None for the latest known by the year.
        is_unit_confirmed: Whether a person looked at the unit of an unlikely quantity.
        reason: Why it corrects what stands.
    """

    usci: str
    kind: EntryKind
    year: int
    month: int
    item: str
    quantity: Decimal | None
    unit: str
    factor_id: str
    factor_year: int | None
    evidence: str
    source: str
    is_unit_confirmed: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFile:
    """What a file said: the rows that could be read with their lines, and the faults of those that could not."""

    file_name: str
    encoding: str
    row_count: int
    drafts: tuple[tuple[int, EntryDraft], ...]
    failures: tuple[Failure, ...]


def read_entry_file(content: bytes, *, file_name: str) -> EntryFile:
    """Read a file of lines; rows with faults are reported, none is mended.

    Raises:
        InvalidInput: The file as a whole cannot be read: empty, too large, encoding, head.
    """
    return read_entry_table(read_table(content, file_name=file_name))


def read_entry_table(table: TextTable) -> EntryFile:
    """Read a table of lines, however it came; rows with faults are reported, none is mended.

    Raises:
        InvalidInput: The head is not one of a table of lines.
    """
    drafts, failures = read_rows(table, ENTRY_COLUMNS, cell=_cell, made=_made)
    return EntryFile(
        file_name=table.file_name,
        encoding=table.encoding,
        row_count=len(table.rows),
        drafts=tuple(drafts),
        failures=tuple(failures),
    )


def _cell(field: str, text: str) -> object:
    if field == "usci":
        return Usci.parse(text).text
    if field == "kind":
        return kind_of(text)
    if field == "quantity":
        return None if text in {"作废", "void"} else parse_decimal(text, field=field)
    if field in {"year", "month", "factor_year"}:
        return _whole(text, field)
    if field == "unit":
        return unit_of_text(text)
    if field == "confirmed":
        return text.lower() in _YES
    return text


def kind_of(text: str) -> EntryKind:
    """Read what a line speaks of, by its Chinese word or its code.

    Raises:
        InvalidInput: It is neither.
    """
    if text in _SHORT_NAMES:
        return _SHORT_NAMES[text]
    if text in set(EntryKind):
        return EntryKind(text)
    raise InvalidInput(
        f"{text!r} is no kind of line", zh=f"不认识的项目“{text}”", field="kind",
        remedy="Write one of " + ", ".join(EntryKind) + ".", remedy_zh="可填：" + "、".join(_SHORT_NAMES) + "。",
    )  # fmt: skip


def unit_of_text(text: str) -> str:
    """Read a unit; 万 and 亿 are refused by name, since nobody converts for the sender.

    Raises:
        InvalidInput: It is no unit of an account.
    """
    unit = _UNITS.get(text.replace(" ", "").replace("³", "3").lower())
    if unit is None:
        raise InvalidInput(
            f"unit {text!r} is not taken", zh=f"单位“{text}”不接受", field="unit",
            remedy="Convert to kWh, t, 万Nm3, GJ or 元; nothing is converted for you.",
            remedy_zh="请自行换算为 kWh、t、万Nm3、GJ 或元后填写；系统不代为换算。",
        )  # fmt: skip
    return unit


def _whole(text: str, field: str) -> int | None:
    if not text:
        if field == "year":
            raise InvalidInput("year is empty", zh="年度不能为空", field=field)
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise InvalidInput(f"{text!r} is no {field}", zh=f"“{text}”不是整数年份或月份", field=field)
    return int(text)


def _made(fields: dict[str, Any]) -> EntryDraft:
    kind, item = fields["kind"], item_of(fields["kind"], fields.get("item") or "")
    return EntryDraft(
        usci=fields["usci"],
        kind=kind,
        year=fields["year"],
        month=fields.get("month") or WHOLE_YEAR,
        item=item,
        quantity=fields["quantity"],
        unit=fields["unit"],
        factor_id=fields.get("factor_id") or "",
        factor_year=fields.get("factor_year"),
        evidence=fields.get("evidence") or "",
        source=fields["source"],
        is_unit_confirmed=bool(fields.get("confirmed")),
        reason=fields.get("reason") or "",
    )


def item_of(kind: EntryKind, text: str) -> str:
    """Give the item a row names, a fuel by its code: alone, or before the number of its invoice."""
    if kind is EntryKind.FUEL:
        return str(_FUELS.get(text, text))
    if kind is EntryKind.INVOICE_FUEL:
        fuel, separator, number = text.replace("／", "/").partition("/")
        return f"{_FUELS.get(fuel.strip(), fuel.strip())}{separator}{number.strip()}"
    return text


def titles_of_kinds() -> list[tuple[str, str, str]]:
    """Give of each kind the word a file names it by, what it is, and its unit."""
    return [(ENTRY_NAMES_ZH[kind], terms.title_zh, terms.unit or f"t 或 {GAS_UNIT}") for kind, terms in KINDS.items()]
