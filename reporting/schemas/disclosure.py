"""A bank's disclosures as the API shows them; methods of financed emissions stand beside one another, never added."""

from msgspec import Struct

from carbonfin.rules.parameters import ParameterValue
from reporting.calc.disclosure import FacilityRow, FinancedLoan, FinancedTotal, LoanGroup
from reporting.service import DisclosureView


class LoanGroupOut(Struct, frozen=True, kw_only=True):
    """Loans under one name: count and amount drawn in the span, mean rate by what was drawn, balance on the day."""

    name: str
    count: int
    drawn_cny: str
    rate: str | None
    balance_cny: str

    @classmethod
    def of(cls, group: LoanGroup) -> "LoanGroupOut":
        """Copy the domain value."""
        return cls(
            name=group.name, count=group.count, drawn_cny=str(group.drawn_cny), rate=_text(group.rate),
            balance_cny=str(group.balance_cny),
        )  # fmt: skip


class FacilityRowOut(Struct, frozen=True, kw_only=True):
    """A field of the facility, empty for loans the bank has not classed; the yearly cut is not known here."""

    field: str
    quarter: LoanGroupOut
    year: LoanGroupOut
    since: LoanGroupOut
    yearly_cut_t: int | None

    @classmethod
    def of(cls, row: FacilityRow) -> "FacilityRowOut":
        """Copy the domain value."""
        return cls(
            field=row.field, quarter=LoanGroupOut.of(row.quarter), year=LoanGroupOut.of(row.year),
            since=LoanGroupOut.of(row.since), yearly_cut_t=None,
        )  # fmt: skip


class FinancedLoanOut(Struct, frozen=True, kw_only=True):
    """One loan by one method, or why it has no figure.

    `confirmed` is false where nobody has read the method's own text, and null where there is no figure.
    """

    note_code: str
    usci: str
    method: str
    balance_cny: str
    emissions_year: int | None
    emissions_t: int | None
    denominator_cny: str | None
    financed_t: str | None
    data_quality: int | None
    confirmed: bool | None
    lacks_zh: str
    lacks: str

    @classmethod
    def of(cls, one: FinancedLoan) -> "FinancedLoanOut":
        """Copy the domain value."""
        found = one.financed
        return cls(
            note_code=one.loan.note_code, usci=one.loan.enterprise, method=one.method.value,
            balance_cny=str(one.loan.balance_cny), emissions_year=one.loan.emissions_year,
            emissions_t=one.loan.emissions_t, denominator_cny=None if found is None else str(found.denominator_cny),
            financed_t=None if found is None else str(found.financed_t),
            data_quality=None if found is None else found.data_quality_score,
            confirmed=None if found is None else found.confirmed, lacks_zh=one.lacks_zh, lacks=one.lacks_en,
        )  # fmt: skip


class FinancedTotalOut(Struct, frozen=True, kw_only=True):
    """A method's sum over the loans it has figures for, with the part of balances they cover."""

    method: str
    loan_count: int
    financed_t: str | None
    covered_cny: str
    covered_share: str | None
    data_quality: str | None

    @classmethod
    def of(cls, total: FinancedTotal) -> "FinancedTotalOut":
        """Copy the domain value."""
        return cls(
            method=total.method.value, loan_count=total.loan_count, financed_t=_text(total.financed_t),
            covered_cny=str(total.covered_cny), covered_share=_text(total.covered_share),
            data_quality=_text(total.quality),
        )  # fmt: skip


class DisclosureBasisOut(Struct, frozen=True, kw_only=True):
    """The text a table stands on; unconfirmed where nobody has held it against the original."""

    table: str
    text: str | None
    document: str | None
    confirmed: bool
    note: str


class ProductClassOut(Struct, frozen=True, kw_only=True):
    """What a product is said to be; counted only where a person has confirmed it."""

    product: str
    key: str
    value: str
    confirmed: bool
    document: str
    note: str

    @classmethod
    def of(cls, value: ParameterValue) -> "ProductClassOut":
        """Copy the parameter."""
        return cls(
            product=value.scope, key=value.key, value=value.value, confirmed=value.confirmed, document=value.document,
            note=value.note,
        )  # fmt: skip


class BankDisclosureOut(Struct, frozen=True, kw_only=True):
    """A bank's disclosures as of its business date."""

    body: str
    quarter: str
    as_of: str
    is_sample: bool
    bases: list[DisclosureBasisOut]
    product_classes: list[ProductClassOut]
    facility: list[FacilityRowOut]
    catalogue: list[LoanGroupOut]
    all_loans: LoanGroupOut
    green_loans: LoanGroupOut
    financed_totals: list[FinancedTotalOut]
    financed: list[FinancedLoanOut]

    @classmethod
    def of(cls, view: DisclosureView) -> "BankDisclosureOut":
        """Copy the domain value."""
        found = view.found
        return cls(
            body=view.body, quarter=found.quarter, as_of=found.as_of.isoformat(), is_sample=view.is_sample,
            bases=[
                DisclosureBasisOut(
                    table=name, text=None if value is None else value.value,
                    document=None if value is None else value.document,
                    confirmed=value is not None and value.confirmed, note="" if value is None else value.note,
                )
                for name, value in view.bases
            ],
            product_classes=[ProductClassOut.of(value) for value in view.classes],
            facility=[FacilityRowOut.of(row) for row in found.facility],
            catalogue=[LoanGroupOut.of(group) for group in found.catalogue],
            all_loans=LoanGroupOut.of(found.all_loans), green_loans=LoanGroupOut.of(found.green),
            financed_totals=[FinancedTotalOut.of(total) for total in found.totals],
            financed=[FinancedLoanOut.of(one) for one in found.financed],
        )  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)
