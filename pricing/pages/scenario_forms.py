"""The moves of a scenario as people type them: prices, currencies and volatilities in per cent, the rate in bp."""

from collections.abc import Mapping
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal
from pricing.calc.portfolio_risk import CustomStress

MOVE = "move_"
"""Beginning of the field of a scheme's price move."""
PERCENT, BP = Decimal(100), Decimal(10_000)
_SCALES: Mapping[str, Decimal] = {"rate_move": BP, "fx_move": PERCENT, "volatility_move": PERCENT}
OTHERS = tuple(_SCALES)


def read_moves(entries: Mapping[str, str]) -> CustomStress | None:
    """Read the moves of a form, None where nothing moves.

    Raises:
        InvalidInput: A scheme is not known, or a number cannot be read.
    """
    moves = []
    for name, text in sorted(entries.items()):
        scheme = name.removeprefix(MOVE)
        if scheme == name or not text.strip():
            continue
        if scheme not in Scheme.__members__:
            raise InvalidInput(f"{scheme!r} is no scheme", zh=f"“{scheme}”不是已知的品种", field=name)
        moves.append((scheme, parse_decimal(text, field=name) / PERCENT))
    rate, fx, volatility = (
        parse_decimal(entries[name], field=name) / scale if entries.get(name, "").strip() else Decimal(0)
        for name, scale in _SCALES.items()
    )
    if not moves and not any((rate, fx, volatility)):
        return None
    return CustomStress(price_moves=tuple(moves), rate_move=rate, fx_move=fx, volatility_move=volatility)


def typed_moves(stress: CustomStress) -> dict[str, str]:
    """Write a scenario's moves as the form shows them."""
    others = zip(OTHERS, (stress.rate_move, stress.fx_move, stress.volatility_move), strict=True)
    return {f"{MOVE}{scheme}": _text(move * PERCENT) for scheme, move in stress.price_moves} | {
        name: _text(move * _SCALES[name]) for name, move in others if move
    }


def _text(number: Decimal) -> str:
    return format(number.normalize(), "f")
