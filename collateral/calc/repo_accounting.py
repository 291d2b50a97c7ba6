"""Sale or financing: how the seller of a repo accounts for it, with the reason.

Allowances are no financial assets, so a repo over them follows the rules for sales with an agreement to repurchase
(CAS 14 article 38, IFRS 15 B64 to B76), not those for derecognising financial assets (CAS 23, IFRS 9).
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput


class RepurchaseRight(StrEnum):
    """Who decides on the repurchase."""

    OBLIGATION = "obligation"
    SELLER_OPTION = "seller_option"
    BUYER_OPTION = "buyer_option"


class AccountingLabel(StrEnum):
    """What the deal is in the seller's books."""

    FINANCING = "financing"
    LEASE = "lease"
    SALE_WITH_RETURN = "sale_with_return"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepurchaseFacts:
    """What the label hangs on; all amounts in one currency.

    Attributes:
        purchase_price_amount: What the buyer paid.
        repurchase_price_amount: What the seller pays to have the units back.
        expected_value_amount: Market value expected on the repurchase date.
    """

    right: RepurchaseRight
    purchase_price_amount: Decimal
    repurchase_price_amount: Decimal
    expected_value_amount: Decimal

    def __post_init__(self) -> None:
        """Refuse prices that are not positive."""
        if min(self.purchase_price_amount, self.repurchase_price_amount, self.expected_value_amount) <= 0:
            raise InvalidInput("prices must be positive", zh="价款须为正数", field="repurchase_price_amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelGiven:
    """A label and why; the auditor confirms it."""

    label: AccountingLabel
    reason_zh: str
    reason_en: str


def accounting_label(facts: RepurchaseFacts) -> LabelGiven:
    """Label a repo in the seller's books.

    Bound or entitled to repurchase: financing where the repurchase price is not below the purchase price, else a lease.
    Repurchase at the buyer's choice: the same where the buyer has an economic reason to ask for it (the repurchase
    price stands above the value expected then), else a sale with a right of return.

    Source: CAS 14 (2017) article 38; IFRS 15 B64 to B76.
    """
    bought, due = facts.purchase_price_amount, facts.repurchase_price_amount
    if facts.right is RepurchaseRight.BUYER_OPTION and due <= facts.expected_value_amount:
        return LabelGiven(
            label=AccountingLabel.SALE_WITH_RETURN,
            reason_zh=f"购回由逆回购方选择，购回价 {due} 不高于预期市值 {facts.expected_value_amount}，"
            "其无行权的重大经济动因（CAS 14 第三十八条第二项）",
            reason_en=f"the buyer may ask for repurchase at {due}, not above the expected value "
            f"{facts.expected_value_amount}, and has no economic reason to (IFRS 15 B72)",
        )
    if due < bought:
        return LabelGiven(
            label=AccountingLabel.LEASE,
            reason_zh=f"购回价 {due} 低于原售价 {bought}，按租赁交易处理（CAS 14 第三十八条）",
            reason_en=f"the repurchase price {due} is below the purchase price {bought} (IFRS 15 B66(a), B70)",
        )
    return LabelGiven(
        label=AccountingLabel.FINANCING,
        reason_zh=f"购回价 {due} 不低于原售价 {bought}，按融资交易处理：标的不终止确认，收到的款项确认为金融负债"
        "（CAS 14 第三十八条）",
        reason_en=f"the repurchase price {due} is not below the purchase price {bought}: the units stay in the "
        "seller's books and the cash is a liability (IFRS 15 B66(b), B68, B73)",
    )
