"""What an allocation is weighed on: what each pledge or lender asks, and the lots that may serve them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.rules.parameters import ParameterValue
from collateral.calc.coverage import Debt, PledgedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedNeed:
    """Why a pledge asks what it asks: what is owed behind it, and the bank's initial line of coverage."""

    debt: Debt
    initial: ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a pledge or another lender asks: value after haircut until a day, and what stands there in tonnes.

    Attributes:
        owed: Of a pledge; None for a need that was entered.
    """

    name: str
    required_cny: Decimal
    end_date: date
    held: dict[Unit, int]
    owed: OwedNeed | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Tonnes of a unit with price, and by need its haircut and whether it may serve it.

    Attributes:
        lines: By need, price and haircut of the whole lot.
        schedule_ratio: The most that a schedule of eligible collateral takes off, which counts where it is more.
        haircuts: By need, the haircut that counts.
    """

    unit: Unit
    quantity_t: int
    lines: tuple[PledgedLine, ...]
    schedule_ratio: Decimal
    haircuts: tuple[Decimal, ...]
    is_eligible: tuple[bool, ...]

    @property
    def price_cny_per_t(self) -> Decimal:
        """The price of the day."""
        return self.lines[0].price.price_cny_per_t


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatedLine:
    """Tonnes of a unit for a need: now and proposed."""

    need: str
    unit: Unit
    held_t: int
    proposed_t: int
    haircut_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatedNeed:
    """One need: what it asks and what the proposal gives after haircut; a shortfall where it cannot be met."""

    name: str
    required_cny: Decimal
    covered_cny: Decimal | None
    shortfall_cny: Decimal
