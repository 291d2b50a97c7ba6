"""Tonnes of a unit as they are written on the command line."""

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from collateral.calc.agreements import UnitQuantity


def unit_quantity(text: str) -> UnitQuantity:
    """Read `CEA-2023=50000`.

    Raises:
        InvalidInput: It is written otherwise, or the unit is unknown.
    """
    unit, separator, quantity = text.partition("=")
    if not separator or not quantity.isdecimal():
        raise InvalidInput(
            f"{text!r} is not unit=tonnes",
            zh=f"“{text}”应写作 品种=吨数",
            field="units",
            remedy="Write for example CEA-2023=50000.",
            remedy_zh="例如 CEA-2023=50000。",
        )
    return UnitQuantity(unit=Unit.parse(unit), quantity_t=int(quantity))
