"""Lines of books as quantities of few contracts: what many lines share is read, and later priced, once."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import to_float
from pricing.calc.line_faults import line_fault
from pricing.calc.positions import MAX_PRICE_CNY_PER_T, MAX_QUANTITY_T, LineKind, PortfolioLine

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

ANY_STRIKE = Decimal(1)


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """What lines are a quantity of: a sound line of one tonne, that of a forward at any agreed price.

    A contract equals itself alone, which makes it a quick key: who reads books gives the same terms the same contract.
    """

    line: PortfolioLine


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractLines:
    """Lines that are sound by themselves, as columns of shape (lines,), each a quantity of a contract.

    Attributes:
        contracts: What the lines are a quantity of.
        contract: Place of each line's contract among them.
        strike_cny_per_t: Agreed price of a forward in 元; of no use for other kinds, whose contract holds it.
    """

    contracts: tuple[Contract, ...]
    line_number: IntArray
    line_id: Sequence[str]
    contract: IntArray
    quantity_t: IntArray
    strike_cny_per_t: FloatArray

    @property
    def count(self) -> int:
        """Number of lines."""
        return self.quantity_t.size

    def without(self, numbers: Collection[int]) -> Self:
        """Give the lines but those of these numbers."""
        return self.where(~np.isin(self.line_number, list(numbers))) if numbers else self

    def where(self, kept: BoolArray) -> Self:
        """Give some lines, and what they are a quantity of."""
        used, contract = np.unique(self.contract[kept], return_inverse=True)
        return replace(
            self,
            contracts=tuple(self.contracts[place] for place in used.tolist()),
            line_number=self.line_number[kept],
            line_id=tuple(code for code, keep in zip(self.line_id, kept.tolist(), strict=True) if keep),
            contract=contract,
            quantity_t=self.quantity_t[kept],
            strike_cny_per_t=self.strike_cny_per_t[kept],
        )

    @property
    def units(self) -> set[Unit]:
        """Units whose fair price is asked for."""
        return {one.line.unit for one in self.contracts if one.line.kind is not LineKind.OPTION}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractBook:
    """A whole book, its lines numbered from 0: plain ones as columns, the others one by one.

    Attributes:
        lines: The others, by number.
        line_at: Gives a plain line by its number.
        codes_differ: Whether it is known already that no two lines have one code.
    """

    columns: ContractLines
    lines: tuple[tuple[int, PortfolioLine], ...]
    line_at: Callable[[int], PortfolioLine]
    codes_differ: bool = False

    @property
    def units(self) -> set[Unit]:
        """Units whose fair price is asked for."""
        return self.columns.units | {line.unit for _, line in self.lines if line.kind is not LineKind.OPTION}

    @property
    def samples(self) -> list[PortfolioLine]:
        """One line of each contract, and those that are no columns."""
        return [*(one.line for one in self.columns.contracts), *(line for _, line in self.lines)]

    def codes(self) -> Sequence[str]:
        """Give the codes of all lines in their order."""
        if not self.lines:
            return self.columns.line_id
        numbered = zip(self.columns.line_number.tolist(), self.columns.line_id, strict=True)
        return [code for _, code in sorted([*numbered, *((number, line.line_id) for number, line in self.lines)])]


def plain_lines(
    *,
    line_number: Sequence[int],
    line_id: Sequence[str],
    contract: Sequence[Contract | None],
    quantity_t: Sequence[int],
    strike_cny_per_t: Sequence[float],
) -> tuple[ContractLines, list[int]]:
    """Give as columns the lines of which nothing else need be said by the rules of `line_fault`; the rest by place.

    Args:
        line_number: Number of each line, shape (lines,) as all that follows.
        line_id: Code of each line.
        contract: What each is a quantity of; None where that is not sound.
        quantity_t: Tonnes of each.
        strike_cny_per_t: Agreed price of a forward in 元, 0 where a forward may have none such.
    """
    places: dict[Contract | None, int] = {}
    at = np.array([places.setdefault(one, len(places)) for one in contract], dtype=np.int64)
    return placed_lines(
        tuple(places),
        line_number=np.array(line_number, dtype=np.int64),
        line_id=tuple(line_id),
        contract=at,
        quantity_t=np.array(quantity_t, dtype=np.int64),
        strike_cny_per_t=np.array(strike_cny_per_t, dtype=np.float64),
    )


def placed_lines(
    contracts: Sequence[Contract | None],
    *,
    line_number: IntArray,
    line_id: Sequence[str],
    contract: IntArray,
    quantity_t: IntArray,
    strike_cny_per_t: FloatArray,
) -> tuple[ContractLines, list[int]]:
    """Give what `plain_lines` does for lines whose contracts are told by their places, None for one that is not sound.

    Args:
        contracts: The distinct ones.
        line_number: Number of each line, shape (lines,) as all that follows.
        line_id: Code of each line.
        contract: Place of each line's contract.
        quantity_t: Tonnes of each.
        strike_cny_per_t: Agreed price of a forward in 元, 0 where a forward may have none such.
    """
    least_t = np.array([_least_t(one) for one in contracts], dtype=np.int64)
    is_forward = np.array([one is not None and one.line.kind is LineKind.FORWARD for one in contracts], dtype=np.bool_)
    plain = (
        (quantity_t >= least_t[contract])
        & (quantity_t <= MAX_QUANTITY_T)
        & (quantity_t != 0)
        & ~(is_forward[contract] & (strike_cny_per_t == 0))
    )
    lines = ContractLines(
        contracts=tuple(contracts),  # type: ignore[arg-type]  # what is None has no plain line, and goes with them
        line_number=line_number,
        line_id=line_id,
        contract=contract,
        quantity_t=quantity_t,
        strike_cny_per_t=strike_cny_per_t,
    )
    return (lines, []) if plain.all() else (lines.where(plain), np.flatnonzero(~plain).tolist())


def _least_t(contract: Contract | None) -> int:
    """Give the fewest tonnes that a line of a contract may have; more than any where there is no sound contract."""
    if contract is None:
        return MAX_QUANTITY_T + 1
    return 1 if contract.line.kind is LineKind.SPOT else -MAX_QUANTITY_T


def agreed_price(price_cny: Decimal | None) -> float:
    """Give an agreed price that a forward may have, else 0."""
    return 0.0 if price_cny is None or not 0 < price_cny <= MAX_PRICE_CNY_PER_T else to_float(price_cny)


def contract_of(line: PortfolioLine) -> Contract | None:
    """Give what a line is a quantity of; None where that is not sound."""
    strike = ANY_STRIKE if line.kind is LineKind.FORWARD else line.strike_cny_per_t
    one = replace(line, line_id="", label="", quantity_t=1, strike_cny_per_t=strike)
    return Contract(one) if line_fault(one) is None else None


def book_of(lines: Sequence[PortfolioLine]) -> ContractBook:
    """Give lines as a book of contracts."""
    contracts = [contract_of(line) for line in lines]
    known: dict[PortfolioLine, Contract] = {}
    columns, others = plain_lines(
        line_number=range(len(lines)),
        line_id=[line.line_id for line in lines],
        contract=[None if one is None else known.setdefault(one.line, one) for one in contracts],
        quantity_t=[line.quantity_t for line in lines],
        strike_cny_per_t=[agreed_price(line.strike_cny_per_t) for line in lines],
    )
    return ContractBook(columns=columns, lines=tuple((row, lines[row]) for row in others), line_at=lines.__getitem__)
