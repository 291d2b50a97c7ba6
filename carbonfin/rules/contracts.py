"""What a decision expects of a table it reads: the table's name, what it may ask, what it must answer.

A table is a bank's own; the decision that reads it is ours. The contract stands between them: a table that asks for
what the decision does not know, in another unit or type, or answers what it cannot use, is refused before it is
proposed and before it is used, with every breach named.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import BooleanDomain, CodeDomain, DateDomain, NumberDomain, unit_of
from carbonfin.rules.tables import DecisionTable, InputColumn, OutputColumn, OutputKind, TableRow, output_text
from carbonfin.rules.validate import Finding, FindingKind


class InputKind(StrEnum):
    """What kind of value an input is."""

    NUMBER = "number"
    DATE = "date"
    CODE = "code"
    BOOLEAN = "boolean"


_KINDS: tuple[tuple[type, InputKind], ...] = (
    (NumberDomain, InputKind.NUMBER),
    (DateDomain, InputKind.DATE),
    (CodeDomain, InputKind.CODE),
    (BooleanDomain, InputKind.BOOLEAN),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputOffered:
    """An input the decision knows and a table may ask.

    Attributes:
        unit: Of a number; empty for every other kind.
    """

    name: str
    title_zh: str
    title_en: str
    kind: InputKind
    unit: str = ""

    @property
    def written(self) -> str:
        """The kind with its unit."""
        return f"{self.kind} {self.unit}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputWanted:
    """A number a table must answer.

    Attributes:
        low: Lowest value, inside.
        high: Highest value, inside.
        worst_is_high: Whether a higher number is worse for whom the decision is about.
    """

    name: str
    title_zh: str
    title_en: str
    kind: OutputKind
    low: Decimal
    high: Decimal
    worst_is_high: bool

    def __post_init__(self) -> None:
        assert self.kind is not OutputKind.CODE, "codes have no order"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableContract:
    """What one decision expects of one table.

    Attributes:
        name: The name the decision looks for among an organisation's tables.
        reads_zh: Which decision reads it.
        inputs: What it may ask; it need not ask everything.
        outputs: What it must answer, all of it and nothing else.
        is_single: Whether one row alone must give the answer.
    """

    name: str
    title_zh: str
    title_en: str
    reads_zh: str
    reads_en: str
    inputs: tuple[InputOffered, ...]
    outputs: tuple[OutputWanted, ...]
    is_single: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFault:
    """One breach.

    Attributes:
        place: `hit_policy`, the column's name, or `row/column`.
        rows: The rows concerned.
    """

    place: str
    zh: str
    en: str
    rows: tuple[str, ...] = ()


def contract_for(contracts: Iterable[TableContract], name: str) -> TableContract | None:
    """Give the contract of a table's name; None where no decision reads such a table."""
    return next((one for one in contracts if one.name == name), None)


def faults(contract: TableContract, table: DecisionTable) -> tuple[ContractFault, ...]:
    """Give every breach of a contract by a table of its name."""
    assert table.name == contract.name, "a table is held against the contract of its own name"
    return (
        *_policy_faults(contract, table),
        *_input_faults(contract, table),
        *_output_faults(contract, table),
        *_row_faults(contract, table),
    )


def require_kept(contract: TableContract, table: DecisionTable) -> None:
    """Refuse a table that breaches its contract.

    Raises:
        InvalidInput: It does; the message names every breach.
    """
    found = faults(contract, table)
    if found:
        raise InvalidInput(
            f"table {table.name} breaks its contract: {'; '.join(f'{one.place}: {one.en}' for one in found)}",
            zh=f"决策表 {table.name} 不符合约定：{'；'.join(f'{one.place}：{one.zh}' for one in found)}",
            field="table",
            remedy=f"Write it as {contract.reads_en} reads it and propose it again.",
            remedy_zh=f"请按“{contract.reads_zh}”的读取约定修改后重新发起。",
        )


def contract_findings(contracts: Iterable[TableContract], table: DecisionTable) -> tuple[Finding, ...]:
    """Give what stands between a table and the decision that reads it; that none reads it is worth knowing."""
    contract = contract_for(contracts, table.name)
    if contract is None:
        return (
            Finding(
                kind=FindingKind.UNREAD, rows=(), counter_example={}, is_fatal=False,
                zh=f"没有决定读取名为 {table.name} 的决策表，发布后不影响任何决定",
                en=f"no decision reads a table named {table.name}; published, it changes no decision",
            ),
        )  # fmt: skip
    return tuple(
        Finding(
            kind=FindingKind.CONTRACT_BREACH, rows=one.rows, counter_example={}, zh=f"{one.place}：{one.zh}",
            en=f"{one.place}: {one.en}",
        )
        for one in faults(contract, table)
    )  # fmt: skip


def _policy_faults(contract: TableContract, table: DecisionTable) -> Iterator[ContractFault]:
    if contract.is_single and not table.hit_policy.is_single:
        yield ContractFault(
            place="hit_policy",
            zh=f"命中策略 {table.hit_policy} 不由单独一行给出答案",
            en=f"hit policy {table.hit_policy} is not one by which a single row answers",
        )


def _input_faults(contract: TableContract, table: DecisionTable) -> Iterator[ContractFault]:
    offered = {one.name: one for one in contract.inputs}
    for column in table.inputs:
        known = offered.get(column.name)
        if known is None:
            names = list(offered)
            yield ContractFault(
                place=column.name,
                zh=f"没有这项输入，可用的有 {'、'.join(names)}",
                en=f"no such input; there are {', '.join(names)}",
            )
        elif (found := _written(column)) != known.written:
            yield ContractFault(
                place=column.name, zh=f"应为 {known.written}，表中为 {found}", en=f"is {known.written}, not {found}"
            )


def _written(column: InputColumn) -> str:
    kind = next(kind for domain, kind in _KINDS if isinstance(column.domain, domain))
    return f"{kind} {unit_of(column.domain)}".strip()


def _output_faults(contract: TableContract, table: DecisionTable) -> Iterator[ContractFault]:
    found = {column.name: column for column in table.outputs}
    for wanted in contract.outputs:
        column = found.pop(wanted.name, None)
        if column is None:
            yield ContractFault(place=wanted.name, zh="缺少这项输出", en="this output is missing")
        elif column.kind is not wanted.kind:
            yield ContractFault(
                place=wanted.name,
                zh=f"应为 {wanted.kind}，表中为 {column.kind}",
                en=f"is {wanted.kind}, not {column.kind}",
            )
    for name in found:
        yield ContractFault(place=name, zh="没有决定使用这项输出", en="no decision uses this output")


def _row_faults(contract: TableContract, table: DecisionTable) -> Iterator[ContractFault]:
    for wanted in contract.outputs:
        for place, column in enumerate(table.outputs):
            if column.name == wanted.name and column.kind is wanted.kind:
                yield from _limit_faults(wanted, column, place, table)
                yield from _favour_faults(wanted, column, place, table)


def _limit_faults(
    wanted: OutputWanted, column: OutputColumn, place: int, table: DecisionTable
) -> Iterator[ContractFault]:
    for row in table.rows:
        value = row.outputs[place]
        if not wanted.low <= _number(row, place) <= wanted.high:
            yield ContractFault(
                place=f"{row.id}/{column.name}", rows=(row.id,),
                zh=f"{output_text(value)} 超出 {wanted.low} 至 {wanted.high}",
                en=f"{output_text(value)} is outside {wanted.low} to {wanted.high}",
            )  # fmt: skip


def _favour_faults(
    wanted: OutputWanted, column: OutputColumn, place: int, table: DecisionTable
) -> Iterator[ContractFault]:
    """Give rows that answer a missing input better than the worst row does: leaving it out would pay."""
    choose = max if wanted.worst_is_high else min
    worst = choose(table.rows, key=lambda row: _number(row, place))
    for row in table.rows:
        speaks_of_missing = any(cell.takes_missing and not cell.covers for cell in row.cells)
        if speaks_of_missing and row.outputs[place] != worst.outputs[place]:
            yield ContractFault(
                place=f"{row.id}/{column.name}", rows=(row.id, worst.id),
                zh=f"输入缺失时的答案 {output_text(row.outputs[place])} 优于规则行 {worst.id} 的"
                f" {output_text(worst.outputs[place])}；缺失不得有利",
                en=f"answers a missing input with {output_text(row.outputs[place])}, better than row {worst.id}'s"
                f" {output_text(worst.outputs[place])}; what is missing is never favourable",
            )  # fmt: skip


def _number(row: TableRow, place: int) -> int | Decimal:
    value = row.outputs[place]
    assert not isinstance(value, str), "an output of this kind is a number"
    return value
