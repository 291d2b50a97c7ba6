"""The sample world as typed values, read from its file."""

from datetime import date
from decimal import Decimal
from importlib import resources

import msgspec

from carbonfin.kernel.actors import Role


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the sample world; an unknown key in the file is an error."""


class SampleOrganization(_Part):
    """The sample bank or bureau."""

    code: str
    name: str
    usci: str | None = None


class SamplePerson(_Part):
    """A person who can sign in."""

    login: str
    name: str
    role: Role
    organization: str


class SampleSystem(_Part):
    """The bank system that holds an API key."""

    name: str


class SampleQuote(_Part):
    """An invented quote of one vintage."""

    vintage: int
    day: date
    price: Decimal


class SampleMarket(_Part):
    """Invented quotes of one scheme; never drawn as a market chart without the sample mark."""

    level: int
    adv_t: int
    note: str
    quotes: tuple[SampleQuote, ...]


class SampleParameter(_Part):
    """A parameter of the sample bank, by scope."""

    key: str
    unit: str
    title_zh: str
    title_en: str
    values: dict[str, str]


class SampleEnterprise(_Part):
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


class SampleCounterparty(_Part):
    """A counterparty that has a LEI and no USCI."""

    code: str
    name: str
    lei: str


class SampleAccountYear(_Part):
    """One year of activity data."""

    year: int
    electricity_mwh: Decimal
    gas_1e4nm3: Decimal


class SampleAccount(_Part):
    """The carbon account of the borrower of the 降碳贷."""

    years: tuple[SampleAccountYear, ...]
    value_added_cny: Decimal
    revenue_cny: Decimal
    equity_plus_debt_cny: Decimal
    sector_mean_t_per_1e4_cny: Decimal


class SampleRatingReport(_Part):
    """The outside rating report the loan follows."""

    producer: str
    report_date: date
    valid_to: date
    score: Decimal


class SampleVoucher(_Part):
    """Interest paid for a period."""

    start: date
    end: date
    amount_cny: Decimal


class SamplePledge(_Part):
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


class SampleRepo(_Part):
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


class SampleLoan(_Part):
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


class SampleForward(_Part):
    """An OTC forward bought."""

    code: str
    unit: str
    quantity_t: int
    strike: Decimal
    delivery: date


class SampleSettlement(_Part):
    """A settlement price of the synthetic future."""

    day: date
    price: Decimal


class SampleFuture(_Part):
    """A futures-style forward, synthetic and not listed."""

    code: str
    unit: str
    quantity_t: int
    settlements: tuple[SampleSettlement, ...]


class SamplePortfolio(_Part):
    """The portfolio that is valued: all sample holdings with a forward and a future."""

    name: str
    forward: SampleForward
    future: SampleFuture


class SampleApplication(_Part):
    """A subsidy application."""

    scheme: str
    applicant: str
    loan: str
    submitted: date
    voucher: int | None = None


class SampleSubsidy(_Part):
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


class SampleWorld(_Part):
    """Everything the demonstration starts from."""

    business_date: date
    bureau_business_date: date
    banner: str
    bank: SampleOrganization
    bureau: SampleOrganization
    person: tuple[SamplePerson, ...]
    system: SampleSystem
    market: dict[str, SampleMarket]
    parameter: tuple[SampleParameter, ...]
    enterprise: tuple[SampleEnterprise, ...]
    counterparty: SampleCounterparty
    account_E4: SampleAccount
    rating_report_E4: SampleRatingReport
    pledge: tuple[SamplePledge, ...]
    repo: SampleRepo
    loan: SampleLoan
    portfolio: SamplePortfolio
    subsidy: SampleSubsidy


def sample_world() -> SampleWorld:
    """Read the sample world that ships with the package."""
    text = resources.files("carbonfin.app.demo").joinpath("sample_world.toml").read_bytes()
    return msgspec.toml.decode(text, type=SampleWorld)
