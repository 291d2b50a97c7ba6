"""Rows of quotes, quotes of curves, rates, reference rates, settlements, portfolios and recorded valuations."""

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import Grade
from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from pricing.calc.curve_quotes import CurveQuoteKind
from pricing.calc.market import PriceKind
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.positions import LineKind


class QuoteRow(Row, table=True):
    """A day of a unit or of a product of it: public without an organisation; a correction is a further revision.

    Revisions count over all products of the unit and day, so that the release before, which knows no products, keeps
    its unique revisions.
    """

    __table_args__ = (
        sa.Index(
            "uq_quote_public",
            "unit",
            "quote_date",
            "revision",
            unique=True,
            sqlite_where=sa.text("organization_id IS NULL"),
            postgresql_where=sa.text("organization_id IS NULL"),
        ),
        sa.UniqueConstraint("organization_id", "unit", "quote_date", "revision"),
        sa.CheckConstraint("revision >= 1", name="revision_from_one"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str | None = Field(default=None, foreign_key="organization.id")
    unit: str
    quote_date: date = Field(index=True)
    revision: int
    price_cny_per_t: Decimal = Field(sa_type=columns.Price)
    price_kind: PriceKind
    listed_volume_t: int | None = None
    listed_amount_cny: Decimal | None = Field(default=None, sa_type=columns.Amount)
    block_volume_t: int | None = None
    block_amount_cny: Decimal | None = Field(default=None, sa_type=columns.Amount)
    known_from: date
    exchange: str
    document: str
    grade: Grade
    is_sample: bool
    product: str | None = None
    open_cny_per_t: Decimal | None = Field(default=None, sa_type=columns.Price)
    high_cny_per_t: Decimal | None = Field(default=None, sa_type=columns.Price)
    low_cny_per_t: Decimal | None = Field(default=None, sa_type=columns.Price)
    vwap_cny_per_t: Decimal | None = Field(default=None, sa_type=columns.Price)


class MarketVersionRow(Row, table=True):
    """How often an organisation's prices changed; what processes keep of them is old once it has moved."""

    organization_id: str = Field(foreign_key="organization.id", primary_key=True)
    version: int


class CurveQuoteRow(Row, table=True):
    """A settlement price by expiry, rate or exchange rate of a day: public where it belongs to no organisation."""

    __table_args__ = (
        sa.Index(
            "uq_curve_quote_public",
            "kind",
            "name",
            "point",
            "quote_date",
            "revision",
            unique=True,
            sqlite_where=sa.text("organization_id IS NULL"),
            postgresql_where=sa.text("organization_id IS NULL"),
        ),
        sa.UniqueConstraint(
            "organization_id", "kind", "name", "point", "quote_date", "revision", name="uq_curve_quote_own"
        ),
        sa.CheckConstraint("revision >= 1", name="revision_from_one"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str | None = Field(default=None, foreign_key="organization.id")
    kind: CurveQuoteKind
    name: str
    point: str
    expiry_date: date | None = None
    quote_date: date = Field(index=True)
    revision: int
    value: Decimal = Field(sa_type=columns.Ratio)
    currency: Currency
    known_from: date
    source: str
    document: str
    grade: Grade
    is_sample: bool


class RateRow(Row, table=True):
    """One publication of a public rate (LPR); a correction is known from a later day."""

    __table_args__ = (sa.UniqueConstraint("name", "published_on", "known_from"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str
    published_on: date
    value: Decimal = Field(sa_type=columns.Ratio)
    known_from: date
    document: str
    grade: Grade
    confirmed: bool
    note: str


class FxRateRow(Row, table=True):
    """One public reference rate of a pair of currencies; a correction is known from a later day."""

    __table_args__ = (sa.UniqueConstraint("pair", "quote_date", "known_from"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    pair: str
    quote_date: date
    rate: Decimal = Field(sa_type=columns.Price)
    known_from: date
    document: str
    grade: Grade
    note: str


class SettlementRow(Row, table=True):
    """A settlement price of a futures-style contract as one organisation knows it."""

    __table_args__ = (sa.UniqueConstraint("organization_id", "contract_code", "settlement_date"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    contract_code: str
    settlement_date: date
    price_cny_per_t: Decimal = Field(sa_type=columns.Price)
    known_from: date
    document: str
    is_sample: bool


class PortfolioRow(Row, table=True):
    """A book of positions that an organisation values."""

    __table_args__ = (sa.UniqueConstraint("organization_id", "code"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    code: str
    name: str
    is_sample: bool


class PortfolioLineRow(Row, table=True):
    """One position of a portfolio; what a valuation took stands in its decision."""

    __table_args__ = (sa.UniqueConstraint("portfolio_id", "line_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    portfolio_id: str = Field(foreign_key="portfolio.id")
    place: int
    line_id: str
    kind: LineKind
    unit: str
    quantity_t: int
    label: str
    strike_cny_per_t: Decimal | None = Field(default=None, sa_type=columns.Price)
    delivery_date: date | None = None
    contract_code: str | None = None
    trade_date: date | None = None
    option_type: OptionType | None = None
    option_style: ExerciseStyle | None = None
    expiry_date: date | None = None
    strike_per_t: Decimal | None = Field(default=None, sa_type=columns.Price)
    averaging_dates: str | None = None
    fixed_count: int | None = None
    fixed_average_per_t: Decimal | None = Field(default=None, sa_type=columns.Price)
    currency: Currency | None = None
    master_agreement: str | None = None
    derivatives_licence: str | None = None


class PortfolioBlockRow(Row, table=True):
    """A leaf of a portfolio's lines as columns (`pricing.store.line_blocks`); it goes with the rows it was made of.

    The release before writes lines as rows alone, all of them anew: what it deletes takes the blocks with it, so that
    none outlives its rows.
    """

    portfolio_id: str = Field(foreign_key="portfolio.id", primary_key=True)
    place: int = Field(primary_key=True)
    first_line_id: str | None = Field(default=None, foreign_key="portfolio_line.id", ondelete="CASCADE", index=True)
    line_count: int
    book_digest: str
    numbers: bytes = Field(sa_type=columns.Content)
    texts: bytes = Field(sa_type=columns.Content)


class ValuationRow(Row, table=True):
    """A recorded valuation, numbered within its portfolio; its lines and trace stand in the decision."""

    __table_args__ = (
        sa.Index(None, "organization_id", "valuation_date"),
        sa.UniqueConstraint("portfolio_id", "number"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    portfolio_id: str | None = Field(default=None, foreign_key="portfolio.id")
    number: int | None = None
    portfolio_name: str
    valuation_date: date
    known_at: datetime
    decision_id: str = Field(foreign_key="decision.id")
    present_value_cny: Decimal = Field(sa_type=columns.Amount)
    variation_margin_cny: Decimal = Field(sa_type=columns.Amount)
    level_max: int | None = None
    line_count: int
    failure_count: int
    snapshot_digest: str
    is_sample: bool
