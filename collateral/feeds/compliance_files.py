"""Compliance years of emitters from a file, CSV or xlsx, one row a year; every fault names line, column and remedy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from carbonfin.documents.text_tables import WORKBOOK, Columns, doubled, line_of, read_day, read_rows, read_table
from carbonfin.kernel.allowances import CREDITS, Scheme
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from collateral.calc.compliance_records import (
    ALLOCATION_STANDING_NAMES,
    ALLOCATION_STATE_NAMES,
    AllocationPart,
    AllocationStanding,
    AllocationState,
    CompliancePosition,
    EmissionsState,
    statement_of,
)

_TONNES_MAX = 1_000_000_000
_FIRST_YEAR, _LAST_YEAR = 2013, 2099
_PARTS: Mapping[str, tuple[AllocationState, AllocationStanding]] = {
    f"{state}_{standing}_t": (state, standing) for state in AllocationState for standing in AllocationStanding
}
_EMISSIONS_STATES: Mapping[str, EmissionsState] = {
    "核查": EmissionsState.VERIFIED,
    "报告": EmissionsState.REPORTED,
    "预测": EmissionsState.FORECAST,
    **{state.value: state for state in EmissionsState},
}

COMPLIANCE_COLUMNS = Columns(
    aliases={
        "party_code": ("party_code", "统一社会信用代码"),
        "scheme": ("scheme", "市场"),
        "compliance_year": ("compliance_year", "履约年度"),
        "emissions_t": ("emissions_t", "排放量(吨)"),
        "emissions_state": ("emissions_state", "排放状态"),
        "emissions_source": ("emissions_source", "排放依据"),
        "surrendered_t": ("surrendered_t", "已清缴(吨)"),
        "as_of": ("as_of", "截至日"),
        **{
            name: (name, f"{ALLOCATION_STATE_NAMES[state][0]}{ALLOCATION_STANDING_NAMES[standing][0]}(吨)")
            for name, (state, standing) in _PARTS.items()
        },
        "allocation_source": ("allocation_source", "分配依据"),
        "unconfirmed": ("unconfirmed", "未确认原因"),
    },
    required=("party_code", "scheme", "compliance_year", "emissions_t", "emissions_source"),
    example=(
        "统一社会信用代码,市场,履约年度,排放量(吨),排放状态,排放依据,已清缴(吨),预分配已发放(吨),核定待发放(吨),分配依据,未确认原因\n"
        "91440300EXAMPLE11K,CEA,2024,796726,核查,核查报告 2025-04,0,560000,245560,分配方案 2024-10,\n"
    ),
)
"""One row an emitter, scheme and year; allocation by state and standing, each where there is any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceRow:
    """What one line says of a compliance year."""

    line: int
    party_code: str
    statement: CompliancePosition

    def position_of(self, party_id: str) -> CompliancePosition:
        """Give the statement as one of a party known by its identifier."""
        return replace(self.statement, party_id=party_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceFile:
    """What a file of compliance years said: the rows that could be read and the faults of those that could not."""

    file_name: str
    encoding: str
    row_count: int
    rows: tuple[ComplianceRow, ...]
    failures: tuple[Failure, ...]


def read_compliance_file(content: bytes, *, file_name: str, known_from: date) -> ComplianceFile:
    """Read a file of compliance years; rows with faults are reported, none is mended.

    Raises:
        InvalidInput: The file as a whole cannot be read: empty, too large, encoding, head.
    """
    table = read_table(content, file_name=file_name)
    found, failures = read_rows(
        table,
        COMPLIANCE_COLUMNS,
        cell=partial(_cell, is_serial_read=table.encoding == WORKBOOK),
        made=partial(_made, known_from=known_from),
    )
    rows = [ComplianceRow(line=line, party_code=code, statement=statement) for line, (code, statement) in found]
    return ComplianceFile(
        file_name=file_name,
        encoding=table.encoding,
        row_count=len(table.rows),
        rows=tuple(rows),
        failures=tuple(sorted([*failures, *_doubled(rows)], key=line_of)),
    )


def _cell(field: str, text: str, *, is_serial_read: bool) -> object:
    if field in _PARTS or field in {"emissions_t", "surrendered_t", "compliance_year"}:
        return _whole(text, field) if text or field in COMPLIANCE_COLUMNS.required else None
    if field == "scheme":
        return _scheme(text)
    if field == "emissions_state":
        return _emissions_state(text) if text else EmissionsState.VERIFIED
    if field == "as_of":
        return read_day(text, is_serial_read=is_serial_read) if text else None
    if not text and field in COMPLIANCE_COLUMNS.required:
        raise InvalidInput(
            f"{field} is empty", zh="不能为空", field=field, remedy="Fill the cell.", remedy_zh="请填写。"
        )
    return text.upper() if field == "party_code" else text


def _whole(text: str, field: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > _TONNES_MAX:
        raise InvalidInput(
            f"{text!r} is not a whole number up to {_TONNES_MAX}",
            zh=f"“{text}”不是整数（非负，不带千分位）",
            field=field,
            remedy="Write whole tonnes without separators.",
            remedy_zh="请填整数吨，不带千分位和小数。",
        )
    number = int(text)
    if field == "compliance_year" and not _FIRST_YEAR <= number <= _LAST_YEAR:
        raise InvalidInput(
            f"{number} is no compliance year",
            zh=f"“{text}”不是履约年度",
            field=field,
            remedy=f"Write a year from {_FIRST_YEAR} to {_LAST_YEAR}.",
            remedy_zh=f"请填 {_FIRST_YEAR} 至 {_LAST_YEAR} 的年份。",
        )
    return number


def _scheme(text: str) -> Scheme:
    allowances = [one.value for one in Scheme if one not in CREDITS]
    if text.upper() not in allowances:
        raise InvalidInput(
            f"{text!r} is no scheme of allowances",
            zh=f"“{text}”不是配额市场",
            field="scheme",
            remedy="Write one of " + ", ".join(allowances) + ".",
            remedy_zh="可填：" + "、".join(allowances) + "。",
        )
    return Scheme(text.upper())


def _emissions_state(text: str) -> EmissionsState:
    if text not in _EMISSIONS_STATES:
        raise InvalidInput(
            f"{text!r} is no state of emissions",
            zh=f"“{text}”不是排放状态",
            field="emissions_state",
            remedy="Write verified, reported or forecast.",
            remedy_zh="请填“核查”“报告”或“预测”。",
        )
    return _EMISSIONS_STATES[text]


def _made(values: dict[str, object], *, known_from: date) -> tuple[str, CompliancePosition]:
    emissions_t, year, scheme = values["emissions_t"], values["compliance_year"], values["scheme"]
    state, surrendered_t, as_of = (
        values.get("emissions_state") or EmissionsState.VERIFIED,
        values.get("surrendered_t"),
        values.get("as_of"),
    )
    assert isinstance(emissions_t, int)
    assert isinstance(year, int)
    assert isinstance(scheme, Scheme)
    assert isinstance(state, EmissionsState)
    assert surrendered_t is None or isinstance(surrendered_t, int)
    assert as_of is None or isinstance(as_of, date)
    if as_of is not None and as_of > known_from:
        raise InvalidInput(
            f"{as_of} lies after {known_from}",
            zh=f"截至日 {as_of} 晚于 {known_from}",
            field="as_of",
            remedy="Check the date.",
            remedy_zh="请核对日期。",
        )
    return str(values["party_code"]), statement_of(
        party_id="",
        scheme=scheme,
        compliance_year=year,
        emissions_t=emissions_t,
        emissions_state=state,
        emissions_source=str(values["emissions_source"]),
        surrendered_t=surrendered_t,
        as_of=as_of,
        parts=_parts(values),
        unconfirmed=str(values.get("unconfirmed") or ""),
        known_from=known_from,
    )


def _parts(values: dict[str, object]) -> tuple[AllocationPart, ...]:
    source, unconfirmed = str(values.get("allocation_source") or ""), str(values.get("unconfirmed") or "")
    given = {name: values.get(name) for name in _PARTS}
    if not source and any(given.values()):
        raise InvalidInput(
            "allocation is given without its document",
            zh="填写了配额数量，但未填分配依据",
            field="allocation_source",
            remedy="Name the notice or plan.",
            remedy_zh="请填写分配通知或方案。",
        )
    return tuple(
        AllocationPart(state=state, standing=standing, quantity_t=quantity_t, source=source, unconfirmed=unconfirmed)
        for name, (state, standing) in _PARTS.items()
        if isinstance(quantity_t := given[name], int) and quantity_t
    )


def _doubled(rows: Sequence[ComplianceRow]) -> list[Failure]:
    first: dict[tuple[str, str, int], int] = {}
    failures = []
    for row in rows:
        key = (row.party_code, row.statement.scheme, row.statement.compliance_year)
        earlier = first.setdefault(key, row.line)
        if earlier != row.line:
            failures.append(doubled(row.line, "compliance_year", f"{key[0]} {key[1]} {key[2]}", earlier))
    return failures
