"""Share a budget over amounts so that the total is exact to the fen."""

from collections.abc import Mapping
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import largest_remainders

_FEN = 100


def allocate_budget(claims_cny: Mapping[str, Decimal], *, budget_cny: Decimal) -> dict[str, Decimal]:
    """Cut claims pro rata to a budget by largest remainder (最大余数法); the last step of a scheme.

    Each claim gets floor(claim x budget / total) fen; the fen left over go one each to the largest remainders, ties to
    the name that sorts first. Where the budget covers all claims, each gets its claim.

    Args:
        claims_cny: Amount by application, 元, whole fen.
        budget_cny: What may be spent, 元, whole fen.

    Returns:
        Amount by application; the sum is min(budget, sum of claims), and none exceeds its claim.

    Raises:
        InvalidInput: An amount is negative or holds a fraction of a fen.
    """
    claims = {name: _fen(amount, field=name) for name, amount in claims_cny.items()}
    budget, total = _fen(budget_cny, field="budget_cny"), sum(claims.values())
    if total <= budget:
        return {name: _yuan(amount) for name, amount in claims.items()}
    names = sorted(claims)
    given = dict(zip(names, largest_remainders(budget, [claims[name] for name in names]), strict=True))
    return {name: _yuan(given[name]) for name in claims}


def _fen(amount: Decimal, *, field: str) -> int:
    fen = amount * _FEN
    if fen < 0 or fen != fen.to_integral_value():
        raise InvalidInput(
            f"{field}: {amount} is not a whole, non-negative number of fen",
            zh=f"{field}：{amount} 应为非负且最多两位小数",
            field=field,
        )
    return int(fen)


def _yuan(fen: int) -> Decimal:
    return (Decimal(fen) / _FEN).quantize(Decimal("0.01"))
