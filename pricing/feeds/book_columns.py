"""Rows of large books as columns: each distinct contract is read once, by the rules of smaller books (`book_files`).

What is not plain (a cell out of its range, a width that is not the head's) is left to be read row by row, which names
field and remedy.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from carbonfin.kernel.errors import CarbonFinError
from pricing.calc.contracts import ANY_STRIKE, Contract, ContractLines, agreed_price, contract_of, plain_lines
from pricing.calc.positions import LineKind
from pricing.feeds.book_files import CODE_LENGTH_MAX, COLUMNS, KINDS, read_positions
from pricing.feeds.tables import TextTable, find_columns, read_optional_number

_OWN = ("line_id", "quantity_t", "strike_cny_per_t", "label")
_TERMS = tuple(name for name in COLUMNS.aliases if name not in _OWN)
_FORWARD_WORDS = frozenset(word for word, kind in KINDS.items() if kind is LineKind.FORWARD)
_CONTRACTS_KEPT = 50_000
_STRIKES_KEPT = 65_536
_PLAIN_TONNES = re.compile(r"-?[1-9][0-9]{0,8}")
_ANY_STRIKE = str(ANY_STRIKE)
_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowColumns:
    """Rows of a table that are plain as columns, and the others as they came."""

    lines: ContractLines
    rest: TextTable


class ContractReader:
    """Reads the tables of one book; contracts read before are known again."""

    def __init__(self) -> None:
        self._contracts: dict[_Key, Contract | None] = {}

    def read(self, table: TextTable) -> RowColumns:
        """Give the plain rows of a table as columns.

        Raises:
            InvalidInput: The head is not a book's.
        """
        head = find_columns(table, COLUMNS)
        width = len(table.head[1])
        rows = [row for row in table.rows if len(row[1]) == width]
        if len(self._contracts) > _CONTRACTS_KEPT:
            self._contracts = {}
        columns = list(zip(*(cells for _, cells in rows), strict=True)) if rows else [()] * width
        empty = ("",) * len(rows)
        cells = {name: columns[head[name]] if name in head else empty for name in COLUMNS.aliases}
        codes = [code.strip() for code in cells["line_id"]]
        contracts = self._contracts_of(cells, table)
        lines, _ = plain_lines(
            line_number=[number for number, _ in rows],
            line_id=codes,
            contract=[
                one if 0 < len(code) <= CODE_LENGTH_MAX else None for one, code in zip(contracts, codes, strict=True)
            ],
            quantity_t=[int(text) if _PLAIN_TONNES.fullmatch(text) else 0 for text in cells["quantity_t"]],
            strike_cny_per_t=[_strike(text) for text in cells["strike_cny_per_t"]],
        )
        return RowColumns(lines=lines, rest=replace(table, rows=_others(table, set(lines.line_number.tolist()))))

    def _contracts_of(self, cells: dict[str, tuple[str, ...]], table: TextTable) -> list[Contract | None]:
        """Give each row its contract, None where the contract is not sound."""
        own = [
            _ANY_STRIKE if kind in _FORWARD_WORDS else strike
            for kind, strike in zip(cells["kind"], cells["strike_cny_per_t"], strict=True)
        ]
        keys: list[_Key] = list(zip(*(cells[name] for name in _TERMS), own, strict=True))
        known = self._contracts
        for key in dict.fromkeys(keys):
            if key not in known:
                known[key] = _contract(key, table)
        return [known[key] for key in keys]


def _contract(key: _Key, table: TextTable) -> Contract | None:
    """Read a contract from its cells as a row of one tonne."""
    names = (*_TERMS, "strike_cny_per_t", "line_id", "quantity_t")
    values, _ = read_positions(replace(table, head=(0, names), rows=((0, (*key, "contract", "1")),)))
    return contract_of(values[0][1]) if values else None


@lru_cache(maxsize=_STRIKES_KEPT)
def _strike(text: str) -> float:
    """Give an agreed price that a forward may have, else 0."""
    try:
        strike = read_optional_number(text.strip(), field="strike_cny_per_t")
    except CarbonFinError:
        return 0.0
    return agreed_price(strike)


def _others(table: TextTable, taken: set[int]) -> tuple[tuple[int, tuple[str, ...]], ...]:
    if len(taken) == len(table.rows):
        return ()
    return tuple(row for row in table.rows if row[0] not in taken)
