"""Rows of large books as columns: each distinct contract is read once, by the rules of smaller books (`book_files`).

What is not plain (a cell out of its range, a width that is not the head's) is left to be read row by row, which names
field and remedy.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

import numpy as np

from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.units import to_float
from pricing.calc.contract_lines import ContractLines
from pricing.calc.line_faults import line_fault
from pricing.calc.positions import MAX_PRICE_CNY_PER_T, MAX_QUANTITY_T, LineKind, PortfolioLine
from pricing.feeds.book_files import CODE_LENGTH_MAX, COLUMNS, KINDS, read_positions
from pricing.feeds.tables import TextTable, find_columns, read_optional_number

_OWN = ("line_id", "quantity_t", "strike_cny_per_t", "label")
_TERMS = tuple(name for name in COLUMNS.aliases if name not in _OWN)
_FORWARD_WORDS = frozenset(word for word, kind in KINDS.items() if kind is LineKind.FORWARD)
_CONTRACTS_KEPT = 50_000
_STRIKES_KEPT = 65_536
_PLAIN_TONNES = re.compile(r"-?[1-9][0-9]{0,8}")
_ANY_STRIKE = "1"
_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowColumns:
    """Rows of a table that are plain as columns, and the others as they came."""

    lines: ContractLines
    rest: TextTable


class ContractReader:
    """Reads the tables of one book; contracts read before are known again."""

    def __init__(self) -> None:
        self._numbers: dict[_Key, int | None] = {}
        self._contracts: dict[int, PortfolioLine] = {}
        self._count = 0

    def read(self, table: TextTable) -> RowColumns:
        """Give the plain rows of a table as columns.

        Raises:
            InvalidInput: The head is not a book's.
        """
        head = find_columns(table, COLUMNS)
        width = len(table.head[1])
        rows = [row for row in table.rows if len(row[1]) == width]
        if len(self._numbers) > _CONTRACTS_KEPT:
            self._numbers, self._contracts = {}, {}
        columns = list(zip(*(cells for _, cells in rows), strict=True)) if rows else [()] * width
        empty = ("",) * len(rows)
        cells = {name: columns[head[name]] if name in head else empty for name in COLUMNS.aliases}
        contract = self._contracts_of(cells, table)
        codes = [code.strip() for code in cells["line_id"]]
        tonnes = [int(text) if _PLAIN_TONNES.fullmatch(text) else 0 for text in cells["quantity_t"]]
        strikes = [_strike(text) for text in cells["strike_cny_per_t"]]
        plain = self._plain(contract, codes, tonnes, strikes)
        line_number = [rows[place][0] for place in plain]
        numbers = np.array([contract[place] for place in plain], dtype=np.int64)
        lines = ContractLines(
            contracts={number: self._contracts[number] for number in np.unique(numbers).tolist()},
            line_number=np.array(line_number, dtype=np.int64),
            line_id=tuple(codes[place] for place in plain),
            contract=numbers,
            quantity_t=np.array([tonnes[place] for place in plain], dtype=np.int64),
            strike_cny_per_t=np.array([strikes[place] for place in plain], dtype=np.float64),
        )
        return RowColumns(lines=lines, rest=replace(table, rows=_others(table, set(line_number))))

    def _contracts_of(self, cells: dict[str, tuple[str, ...]], table: TextTable) -> list[int | None]:
        """Give each row the number of its contract, None where the contract is not sound."""
        own = [
            _ANY_STRIKE if kind in _FORWARD_WORDS else strike
            for kind, strike in zip(cells["kind"], cells["strike_cny_per_t"], strict=True)
        ]
        keys: list[_Key] = list(zip(*(cells[name] for name in _TERMS), own, strict=True))
        known = self._numbers
        for key in dict.fromkeys(keys):
            if key not in known:
                known[key] = self._number(key, table)
        return [known[key] for key in keys]

    def _number(self, key: _Key, table: TextTable) -> int | None:
        """Read a contract from its cells as a row of one tonne."""
        names = (*_TERMS, "strike_cny_per_t", "line_id", "quantity_t")
        row = (0, (*key, f"contract {self._count}", "1"))
        values, _ = read_positions(replace(table, head=(0, names), rows=(row,)))
        if not values or line_fault(values[0][1]) is not None:
            return None
        self._count += 1
        self._contracts[self._count] = values[0][1]
        return self._count

    def _plain(
        self, contract: Sequence[int | None], codes: Sequence[str], tonnes: Sequence[int], strikes: Sequence[float]
    ) -> list[int]:
        """Give the rows of which nothing else need be said, by the rules of `line_fault`."""
        kinds = {number: line.kind for number, line in self._contracts.items()}
        found = []
        for place, (number, code, quantity, strike) in enumerate(zip(contract, codes, tonnes, strikes, strict=True)):
            if number is None or not quantity or not 0 < len(code) <= CODE_LENGTH_MAX or quantity > MAX_QUANTITY_T:
                continue
            kind = kinds[number]
            if (quantity < 0 and (kind is LineKind.SPOT or quantity < -MAX_QUANTITY_T)) or (
                kind is LineKind.FORWARD and not strike
            ):
                continue
            found.append(place)
        return found


@lru_cache(maxsize=_STRIKES_KEPT)
def _strike(text: str) -> float:
    """Give an agreed price that a forward may have, else 0."""
    try:
        strike = read_optional_number(text.strip(), field="strike_cny_per_t")
    except CarbonFinError:
        return 0.0
    return 0.0 if strike is None or not Decimal(0) < strike <= MAX_PRICE_CNY_PER_T else to_float(strike)


def _others(table: TextTable, taken: set[int]) -> tuple[tuple[int, tuple[str, ...]], ...]:
    if len(taken) == len(table.rows):
        return ()
    return tuple(row for row in table.rows if row[0] not in taken)
