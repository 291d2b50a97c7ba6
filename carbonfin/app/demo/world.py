"""The sample world as typed values, read from its file."""

from datetime import date
from decimal import Decimal
from importlib import resources

import msgspec

from carbonfin.kernel.actors import Role
from carbonfin.storage.learned_types import learned


class SampleOrganization(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sample bank or bureau."""

    code: str
    name: str
    usci: str | None = None


class SampleOperator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who runs the platform the sample bank and bureau live on."""

    name: str


class SamplePerson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person who can sign in."""

    login: str
    name: str
    role: Role
    organization: str


class SampleSystem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bank system that holds an API key."""

    name: str


class SampleParameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter of the sample bank, by scope."""

    key: str
    unit: str
    title_zh: str
    title_en: str
    values: dict[str, str]


class SampleEnterprise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An enterprise with its energy, emissions and holdings."""

    code: str
    name: str
    usci: str
    industry: str
    key_emitter: bool
    district: str | None = None
    scheme: str | None = None
    generation_mwh: Decimal | None = None
    electricity_mwh: Decimal | None = None
    traded_green_mwh: Decimal | None = None
    gas_1e4nm3: Decimal | None = None
    diesel_t: Decimal | None = None
    emissions_t: int | None = None
    allocation_t: int | None = None
    issued_t: int | None = None
    true_up_expected_t: int = 0
    unconfirmed: str = ""
    holdings: dict[str, int] = {}


class SampleCounterparty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A counterparty that has a LEI and no USCI."""

    code: str
    name: str
    lei: str


class SampleAccountYear(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One year of activity data."""

    year: int
    electricity_mwh: Decimal
    gas_1e4nm3: Decimal


class SampleAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The carbon account of the borrower of the 降碳贷."""

    years: tuple[SampleAccountYear, ...]
    value_added_cny: Decimal
    revenue_cny: Decimal
    equity_plus_debt_cny: Decimal
    sector_mean_t_per_1e4_cny: Decimal


class SampleRatingReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The outside rating report the loan follows."""

    producer: str
    report_date: date
    valid_to: date
    score: Decimal


class SampleVoucher(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Interest paid for a period."""

    start: date
    end: date
    amount_cny: Decimal


class SamplePledge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pledge and the loan it secures."""

    code: str
    pledgor: str
    units: dict[str, int]
    principal_cny: Decimal
    maturity: date
    drawn: date | None = None
    rate: Decimal | None = None
    rate_note: str = ""
    interest_paid_to: date | None = None
    settled: date | None = None
    released: date | None = None
    interest_vouchers: tuple[SampleVoucher, ...] = ()
    reply_lost: bool = False


class SampleRepo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cross-border repo."""

    code: str
    seller: str
    buyer: str
    units: dict[str, int]
    purchase_date: date
    repurchase_date: date
    currency: str
    purchase_price: Decimal
    rate: Decimal
    method: str
    minimum_transfer: Decimal
    bank_role: str
    flags: tuple[str, ...]


class SampleLoan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The 降碳贷 whose term sheet is drafted."""

    code: str
    product: str
    borrower: str
    credit_line_cny: Decimal
    principal_cny: Decimal
    kind: str
    drawdown: date
    maturity: date
    settlement_day: int
    margin_bp: int


class SampleForward(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An OTC forward bought."""

    code: str
    unit: str
    quantity_t: int
    strike: Decimal
    delivery: date


class SampleFuture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A futures-style forward, synthetic and not listed; its settlement prices come with the sample quotes."""

    code: str
    unit: str
    quantity_t: int
    trade_date: date
    price_traded: Decimal


class SamplePortfolio(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The portfolio that is valued: all sample holdings with a forward and a future."""

    name: str
    forward: SampleForward
    future: SampleFuture


class SampleApplication(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subsidy application."""

    scheme: str
    applicant: str
    loan: str
    submitted: date
    voucher: int | None = None


class SampleSubsidy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The subsidy files and the day of the report."""

    report_day: date
    A1: SampleApplication
    A2: SampleApplication
    A3: SampleApplication
    A4: SampleApplication

    @property
    def applications(self) -> dict[str, SampleApplication]:
        """The applications by code, in order of filing."""
        return {"A1": self.A1, "A2": self.A2, "A3": self.A3, "A4": self.A4}


class SampleWorld(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything the demonstration starts from."""

    business_date: date
    bureau_business_date: date
    banner: str
    bank: SampleOrganization
    bureau: SampleOrganization
    platform: SampleOperator
    person: tuple[SamplePerson, ...]
    system: SampleSystem
    parameter: tuple[SampleParameter, ...]
    enterprise: tuple[SampleEnterprise, ...]
    counterparty: SampleCounterparty
    carbon_account: SampleAccount
    rating_report: SampleRatingReport
    pledge: tuple[SamplePledge, ...]
    repo: SampleRepo
    loan: SampleLoan
    portfolio: SamplePortfolio
    subsidy: SampleSubsidy


def sample_world() -> SampleWorld:
    """Read the sample world that ships with the package."""
    text = resources.files("carbonfin.app.demo").joinpath("sample_world.toml").read_bytes()
    return msgspec.toml.decode(text, type=learned(SampleWorld))
