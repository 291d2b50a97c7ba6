"""Money received on a loan note (还款): what each yuan paid, in the order the law or the contract has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Claim(StrEnum):
    """What a note's creditor may ask for."""

    FEES = "fees"
    INTEREST = "interest"
    COMPOUND = "compound"
    PENALTY = "penalty"
    PRINCIPAL = "principal"


REPAYMENT_NAMES: Mapping[str, tuple[str, str]] = {
    "note_code": ("借据号", "Loan note"),
    "party": ("借款人", "Borrower"),
    "reference": ("回单号", "Reference"),
    "paid_on": ("还款日", "Paid on"),
    "amount_cny": ("实收金额（元）", "Received (CNY)"),
    "prepays": ("余额提前还本", "The rest repays early"),
    "fees_cny": ("费用（元）", "Costs (CNY)"),
    "compensation_cny": ("提前还款补偿金（元）", "Compensation (CNY)"),
    "interest_cny": ("冲抵利息（元）", "Pays interest (CNY)"),
    "charges_cny": ("冲抵罚息与复利（元）", "Pays penalty and compound interest (CNY)"),
    "principal_cny": ("冲抵本金（元）", "Repays principal (CNY)"),
    "outstanding_cny": ("还款后余额（元）", "Outstanding after (CNY)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """What of a receipt went to one due payment, which is known by the day its interest begins on."""

    due_start: date
    interest_cny: Decimal
    compound_cny: Decimal
    penalty_cny: Decimal
    principal_cny: Decimal

    @property
    def total_cny(self) -> Decimal:
        """All of it."""
        return self.interest_cny + self.compound_cny + self.penalty_cny + self.principal_cny


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One receipt and where it went; the parts sum to the amount.

    Attributes:
        fees_cny: Costs of collecting, as claimed with the receipt.
        compensation_cny: For repaying early, as agreed.
        prepaid_cny: Principal repaid before it was due.
    """

    number: int
    paid_on: date
    amount_cny: Decimal
    fees_cny: Decimal
    compensation_cny: Decimal
    prepaid_cny: Decimal
    lines: tuple[ReceiptLine, ...]

    @property
    def principal_cny(self) -> Decimal:
        """Principal it repaid, due and early."""
        return self.prepaid_cny + sum((line.principal_cny for line in self.lines), start=Decimal("0.00"))

    def sum_of(self, claim: Claim) -> Decimal:
        """Give what went to one kind of claim over all due payments; of principal, what was due."""
        if claim is Claim.FEES:
            return self.fees_cny
        return sum((getattr(line, f"{claim.value}_cny") for line in self.lines), start=Decimal("0.00"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptDraft:
    """A receipt as it is entered.

    Attributes:
        prepays: Whether what is left after all that is due repays principal early.
    """

    paid_on: date
    amount_cny: Decimal
    fees_cny: Decimal = Decimal("0.00")
    compensation_cny: Decimal = Decimal("0.00")
    prepays: bool = False
