"""Custody accounts, statements and differences as the API takes and shows them."""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.web.wire import DayText, IdText, NameText, day_of
from collateral.calc.custody import CustodyDifference
from collateral.schemas.compliance import ComplianceFaultOut
from collateral.service.custody import CustodyDraft, CustodyImport, CustodyView
from collateral.store.custody import CustodyAccount

_Code = Annotated[str, Meta(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9._-]+$")]
_Number = Annotated[str, Meta(min_length=4, max_length=40, pattern=r"^[0-9A-Za-z-]+$")]


class CustodyAccountIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A party's custody account, bound to an exchange from a day on."""

    party_id: IdText
    custodian_name: NameText
    account_number: _Number
    exchange_code: _Code
    bound_from: DayText

    def draft(self) -> CustodyDraft:
        """Give the domain value."""
        return CustodyDraft(
            party_id=self.party_id, custodian_name=self.custodian_name, account_number=self.account_number,
            exchange_code=self.exchange_code, bound_from=day_of(self.bound_from, field="/bound_from"),
        )  # fmt: skip


class CustodyAccountOut(Struct, frozen=True, kw_only=True):
    """A custody account and its binding; `bound_to` is null until further notice."""

    account_id: str
    party_id: str
    custodian_name: str
    account_number: str
    exchange_code: str
    bound_from: str
    bound_to: str | None

    @classmethod
    def of(cls, one: CustodyAccount) -> "CustodyAccountOut":
        """Copy the domain value."""
        return cls(
            account_id=one.id, party_id=one.party_id, custodian_name=one.custodian_name,
            account_number=one.account_number, exchange_code=one.exchange_code, bound_from=one.bound_from.isoformat(),
            bound_to=None if one.bound_to is None else one.bound_to.isoformat(),
        )  # fmt: skip


class CustodyFileIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day's statement of the custodian or of the exchange (CSV or xlsx); `preview` reads it and stores nothing."""

    side: Literal["bank", "exchange"]
    file_name: NameText
    content_base64: Annotated[
        str,
        Meta(min_length=1, max_length=7_000_000, pattern=r"^[A-Za-z0-9+/\r\n]+={0,2}\s*$",
             description="The file's bytes in base64."),
    ]  # fmt: skip
    preview: bool = False


class CustodyImportOut(Struct, frozen=True, kw_only=True):
    """What became of a statement: every line stored, or none and each fault."""

    side: str
    file_name: str
    row_count: int
    stored: bool
    written_count: int
    failures: list[ComplianceFaultOut]

    @classmethod
    def of(cls, report: CustodyImport) -> "CustodyImportOut":
        """Copy the domain value."""
        return cls(
            side=report.side.value, file_name=report.file.file_name, row_count=report.file.row_count,
            stored=report.stored, written_count=report.written_count,
            failures=[ComplianceFaultOut.of(one) for one in report.failures],
        )  # fmt: skip


class CustodyDifferenceOut(Struct, frozen=True, kw_only=True):
    """One difference of an account; amounts are null where a side states nothing."""

    account_id: str
    account_number: str
    party_id: str
    kind: str
    item: str
    bank_amount: str | None
    exchange_amount: str | None
    since: str
    age_days: int

    @classmethod
    def of(cls, one: CustodyDifference, account: CustodyAccount) -> "CustodyDifferenceOut":
        """Copy the domain values."""
        return cls(
            account_id=one.account_id, account_number=account.account_number, party_id=account.party_id,
            kind=one.kind.value, item=one.item, bank_amount=_text(one.bank_amount),
            exchange_amount=_text(one.exchange_amount), since=one.since.isoformat(), age_days=one.age_days,
        )  # fmt: skip


class CustodyOut(Struct, frozen=True, kw_only=True):
    """The custody accounts bound on a day and every difference between custodian and exchange."""

    day: str
    accounts: list[CustodyAccountOut]
    differences: list[CustodyDifferenceOut]

    @classmethod
    def of(cls, view: CustodyView) -> "CustodyOut":
        """Copy the domain value."""
        return cls(
            day=view.day.isoformat(),
            accounts=[CustodyAccountOut.of(one) for one in view.accounts],
            differences=[CustodyDifferenceOut.of(one, view.account(one.account_id)) for one in view.differences],
        )


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
