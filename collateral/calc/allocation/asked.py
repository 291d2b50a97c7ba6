"""What a weighing of a client's units is asked: what is left out, let go or added, the costs, and the limits."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny

_MOST_ADDED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedNeed:
    """What another lender would ask: value after haircut, until a day."""

    name: str
    required_cny: Decimal
    end_date: date

    def __post_init__(self) -> None:
        """Refuse a need without a name or an amount."""
        if not self.name.strip() or self.required_cny <= 0 or self.required_cny != cny(self.required_cny):
            raise InvalidInput(
                "an added need wants a name and an amount", zh="新增需求须填写名称与正数金额", field="added"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationAsked:
    """What is to be weighed.

    Attributes:
        without: Units that may not be used.
        released: Codes of pledges that are let go.
        use_cost_rate: What tying up a yuan of market value costs, above nought.
        movement_cost_rate: What moving a yuan of market value to a pledge where it does not stand costs.
        limits: The most of one scheme in each need, as a part of what the need asks, both after haircut.
    """

    pledgor_id: str
    without: tuple[Unit, ...]
    released: tuple[str, ...]
    added: tuple[AddedNeed, ...]
    use_cost_rate: Decimal
    movement_cost_rate: Decimal
    limits: tuple[tuple[Scheme, Decimal], ...] = ()

    def __post_init__(self) -> None:
        """Refuse rates out of range, too many needs, and limits that are none or stand twice."""
        if not (0 < self.use_cost_rate <= 1 and 0 <= self.movement_cost_rate <= 1):
            raise InvalidInput(
                "rates lie in 0 to 1, the cost of use above nought", zh="成本率须在 0 至 1，占用成本率须大于 0",
                field="use_cost_rate",
            )  # fmt: skip
        if len(self.added) > _MOST_ADDED:
            raise InvalidInput("too many needs", zh=f"新增需求最多 {_MOST_ADDED} 项", field="added")
        schemes = [scheme for scheme, _ in self.limits]
        if len(set(schemes)) != len(schemes) or any(not 0 < ratio <= 10 for _, ratio in self.limits):
            raise InvalidInput(
                "a limit stands once a scheme and is a part of the need above nought",
                zh="集中度上限每个品种一项，且须大于 0（占该笔需求的比例，以小数填写）", field="limits",
            )  # fmt: skip
