"""Stresses an organisation names and keeps: each is one dated, approved parameter, read and written as text.

`CEA=-0.30 EUA=-0.20 rate=0.0100 fx=0.05 volatility=0.50` moves the prices of two schemes, shifts rates by 100 bp, and
moves every currency in 元 and every option volatility; what is not named stays. The name is the parameter's scope.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.rules.parameters import ParameterValue
from pricing.calc.portfolio_risk.inputs import CustomStress

STRESS_SCENARIO = "pricing.stress_scenario"
NAME_LENGTH_MAX = 40
_OTHERS = ("rate", "fx", "volatility")
_BOUNDS: Mapping[str, tuple[Decimal, Decimal]] = {
    "price": (Decimal(-1), Decimal(10)),
    "rate": (Decimal("-0.5"), Decimal("0.5")),
    "fx": (Decimal("-0.99"), Decimal(10)),
    "volatility": (Decimal("-0.99"), Decimal(10)),
}
_WORDS = {"price": "价格变动", "rate": "利率平移", "fx": "汇率变动", "volatility": "波动率变动"}


def scenario_text(stress: CustomStress) -> str:
    """Write a scenario as its parameter holds it.

    Raises:
        InvalidInput: Nothing moves, or a move is out of range.
    """
    moves = [
        *stress.price_moves,
        ("rate", stress.rate_move), ("fx", stress.fx_move or Decimal(0)),
        ("volatility", stress.volatility_move or Decimal(0)),
    ]  # fmt: skip
    text = " ".join(f"{name}={move.normalize():f}" for name, move in moves if move)
    read_scenario(text)
    return text


def read_scenario(text: str) -> CustomStress:
    """Read a scenario.

    Raises:
        InvalidInput: It moves nothing, names what is not known or one thing twice, or a move is out of range.
    """
    moves: dict[str, Decimal] = {}
    for part in text.split():
        name, sign, number = part.partition("=")
        if not sign or name in moves or (name not in Scheme.__members__ and name not in _OTHERS):
            raise _refused(name, f"{part!r} is no move of a scenario", f"“{part}”不是情景变动，或重复")
        move = parse_decimal(number, field=_field(name))
        kind = name if name in _OTHERS else "price"
        least, most = _BOUNDS[kind]
        if not least <= move <= most:
            raise _refused(
                name, f"{name} moves by {move}; it must lie between {least} and {most}",
                f"{name} {_WORDS[kind]} {move} 应在 {least} 与 {most} 之间",
            )  # fmt: skip
        moves[name] = move
    if not any(moves.values()):
        raise _refused("", "nothing moves", "没有任何变动")
    return CustomStress(
        price_moves=tuple((name, move) for name, move in moves.items() if name not in _OTHERS),
        rate_move=moves.get("rate", Decimal(0)),
        fx_move=moves.get("fx"),
        volatility_move=moves.get("volatility"),
    )


def named_stresses(
    parameters: Iterable[ParameterValue],
) -> tuple[tuple[tuple[ParameterValue, CustomStress], ...], tuple[Failure, ...]]:
    """Give the scenarios among parameters by name, and those that do not read with the reason."""
    found: list[tuple[ParameterValue, CustomStress]] = []
    failures = []
    for value in sorted((one for one in parameters if one.key == STRESS_SCENARIO), key=lambda one: one.scope):
        try:
            found.append((value, read_scenario(value.value)))
        except InvalidInput as error:
            failures.append(
                Failure(
                    item=f"{STRESS_SCENARIO}[{value.scope}]", field=STRESS_SCENARIO, detail=error.detail,
                    zh=f"压力情景“{value.scope}”不能读取：{error.zh}", remedy=error.remedy, remedy_zh=error.remedy_zh,
                )
            )  # fmt: skip
    return tuple(found), tuple(failures)


def _field(name: str) -> str:
    return f"{name}_move" if name in _OTHERS else f"move_{name}"


def _refused(what: str, detail: str, zh: str) -> InvalidInput:
    return InvalidInput(
        detail,
        zh=zh,
        field=_field(what) if what in _OTHERS or what in Scheme.__members__ else "price_moves",
        remedy="Name schemes, rate, fx or volatility once each, with a decimal: CEA=-0.30 rate=0.01.",
        remedy_zh="请按“CEA=-0.30 rate=0.01”填写：品种、rate、fx、volatility 各至多一次，数值为小数。",
    )
