"""Pulls of account data as the API takes and shows them."""

from typing import Annotated

from msgspec import Meta, Struct

from loans.calc.account_pulls import AccountPull, DataProvider
from loans.calc.consents import ConsentPurpose
from loans.schemas.accounts import AccountFaultOut

_Year = Annotated[int, Meta(ge=2005, le=2099, description="A calendar year.", examples=[2024])]


class AccountPullIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask a provider for an enterprise's lines of some years, the last included, for a purpose it consented to."""

    provider: DataProvider
    from_year: _Year
    to_year: _Year
    purpose: ConsentPurpose = ConsentPurpose.RATING


class AccountPullOut(Struct, frozen=True, kw_only=True):
    """What a provider gave, the digest of its answer, and what became of the lines; the bad are named."""

    number: int
    provider: str
    purpose: str
    consent: str
    from_year: int
    to_year: int
    address: str
    digest: str
    attempt_count: int
    row_count: int
    added_count: int
    corrected_count: int
    unchanged_count: int
    failures: list[AccountFaultOut]
    pulled_at: str

    @classmethod
    def of(cls, pull: AccountPull) -> "AccountPullOut":
        """Copy a pull."""
        return cls(
            number=pull.number,
            provider=pull.request.provider,
            purpose=pull.request.purpose,
            consent=pull.request.consent,
            from_year=pull.request.from_year,
            to_year=pull.request.to_year,
            address=pull.address,
            digest=pull.digest,
            attempt_count=pull.attempt_count,
            row_count=pull.row_count,
            added_count=pull.added_count,
            corrected_count=pull.corrected_count,
            unchanged_count=pull.unchanged_count,
            failures=[AccountFaultOut.of(one) for one in pull.failures],
            pulled_at=pull.pulled_at.isoformat(),
        )


class AccountPullsOut(Struct, frozen=True, kw_only=True):
    """What was asked of providers for an enterprise, the latest first."""

    party_id: str
    pulls: list[AccountPullOut]
