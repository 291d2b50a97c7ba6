"""Whether a party may hold, pledge or take units, by the dated table; asked before a pledge and before a sale."""

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.parties import Party, PartyKind
from carbonfin.rules.parameters import ParameterValue
from collateral.calc.holding_rights import HolderKind, HoldingRight, require_right
from collateral.service.view import DeskView

HOLDING_RIGHT = "collateral.holding_right"


def holder_kind(party: Party, scheme: Scheme) -> HolderKind:
    """Give what a party is under a scheme: an emitter of it, another enterprise, or one from abroad."""
    if party.key_emitter and party.scheme == scheme:
        return HolderKind.KEY_EMITTER
    if party.kind is PartyKind.COUNTERPARTY and party.usci is None:
        return HolderKind.FOREIGN
    return HolderKind.ENTERPRISE


def require_rights(
    view: DeskView, kind_of: dict[Scheme, HolderKind], units: tuple[Unit, ...], right: HoldingRight
) -> tuple[ParameterValue, ...]:
    """Give the dated answers that allow it, one for each scheme.

    Raises:
        NotPermitted: The table bars it, or the holder is a body that is always barred.
        MissingData: The table does not say.
    """
    schemes = dict.fromkeys(unit.scheme for unit in units)
    return tuple(
        require_right(scheme, kind_of[scheme], right, find=lambda scope: view.find(HOLDING_RIGHT, scope))
        for scheme in schemes
    )


def require_party_may(
    view: DeskView, party: Party, units: tuple[Unit, ...], right: HoldingRight
) -> tuple[ParameterValue, ...]:
    """Hold that a party may do with each of some units what it is about to.

    Raises:
        NotPermitted: The table bars it.
        MissingData: The table does not say.
    """
    kinds = {unit.scheme: holder_kind(party, unit.scheme) for unit in units}
    return require_rights(view, kinds, units, right)


def require_may_pledge(view: DeskView, party: Party, units: tuple[Unit, ...]) -> tuple[ParameterValue, ...]:
    """Hold that a pledgor may pledge each of some units.

    Raises:
        NotPermitted: The table bars it.
        MissingData: The table does not say.
    """
    return require_party_may(view, party, units, HoldingRight.PLEDGE)
