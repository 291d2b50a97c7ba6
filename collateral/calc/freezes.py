"""What a registry freezes, unfreezes and hands over."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Operation(StrEnum):
    """What a registry is asked to do.

    TRANSFER: hand units that were sold in an enforcement to their buyer, and end their freeze by the same act, so that
    they are free on the pledgor's account at no moment.
    CONVERT: make frozen units into as many of another vintage on the same account, frozen for the same agreement
    throughout.
    """

    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    TRANSFER = "transfer"
    CONVERT = "convert"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFreeze:
    """Tonnes of one unit on one account.

    Attributes:
        to_account_id: Where a transfer leads; empty for a freeze, and where the buyer's account is not kept here.
        serials: Serial ranges, as `SerialRange` writes them, whose lengths sum to the quantity; none of units that
            carry no numbers, or where the registry does not name them.
        to_unit: What a conversion makes of them; empty for everything else.
    """

    account_id: str
    unit: str
    quantity_t: int
    to_account_id: str = ""
    serials: tuple[str, ...] = ()
    to_unit: str = ""

    @property
    def fields(self) -> dict[str, str | int | list[str]]:
        """Give it as it is kept and sent."""
        fields: dict[str, str | int | list[str]] = {
            "account_id": self.account_id, "unit": self.unit, "quantity_t": self.quantity_t
        }  # fmt: skip
        if self.to_account_id:
            fields["to_account_id"] = self.to_account_id
        if self.to_unit:
            fields["to_unit"] = self.to_unit
        if self.serials:
            fields["serials"] = list(self.serials)
        return fields

    def is_met_by(self, stated: "UnitFreeze") -> bool:
        """Tell whether a registry states just this; one that names no numbers is taken at its tonnes."""
        return stated == (self if stated.serials else replace(self, serials=()))
