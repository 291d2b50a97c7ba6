"""The market of futures settled in a foreign currency: settlement prices and the day's exchange rate, to be recorded.

Contracts settled in 元 rest on the settlement prices of the snapshot. Those settled in another currency stand in a type
of their own beside it, as curves do: a settlement in euro then never changes the digest of a book that no euro touches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import Currency
from carbonfin.rules.record import digest_of
from pricing.calc.conversion import FxLimit, cny_rate
from pricing.calc.curve_quotes import CurveQuote, CurveQuotes
from pricing.calc.line_faults import line_fault
from pricing.calc.market_points import read_points
from pricing.calc.positions import LineKind, PortfolioLine, kind_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTerms:
    """What tells one contract's settlement prices from another's."""

    scheme: Scheme
    contract_code: str
    currency: Currency

    @classmethod
    def of(cls, line: PortfolioLine) -> "ContractTerms":
        """Give the terms of a line that `line_fault` found sound."""
        assert line.contract_code is not None, "a sound futures-style contract has a code"
        return cls(scheme=line.unit.scheme, contract_code=line.contract_code, currency=line.agreed_currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledPrice:
    """A settlement price of one day in the currency of its contract per tonne."""

    settlement_date: date
    price_per_t: Decimal
    document: str
    is_sample: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledContract:
    """What positions in one contract rest on.

    Attributes:
        prices: Settlement prices of the last month, ascending by day.
        cny_per_unit: 元 for one unit of the contract's currency on the valuation date.
        fx_source: Where that rate was read.
        is_fx_sample: Whether the rate is invented.
    """

    terms: ContractTerms
    prices: tuple[SettledPrice, ...]
    cny_per_unit: Decimal
    fx_source: str
    is_fx_sample: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FuturesMarket:
    """The contracts of a book that are settled in a foreign currency, and the lines without one with the reason.

    Attributes:
        valuation_date: Day of the exchange rates.
        quotes_digest: SHA-256 over the contracts: prices and rates.
        contracts: One for each distinct terms.
        gaps: One failure for each line without; the item is the line's code.
    """

    valuation_date: date
    quotes_digest: str
    contracts: tuple[SettledContract, ...]
    gaps: tuple[Failure, ...]

    def contract_of(self, line: PortfolioLine) -> SettledContract | None:
        """Give what a line rests on, or None."""
        terms = ContractTerms.of(line)
        return next((one for one in self.contracts if one.terms == terms), None)


def is_foreign_future(line: PortfolioLine) -> bool:
    """Say whether a line is a futures-style contract that is settled in a foreign currency."""
    return line.kind is LineKind.FUTURES and line.agreed_currency is not Currency.CNY


def labels_of(line: PortfolioLine) -> tuple[str, str]:
    """Name in both languages what a line is."""
    return kind_labels(line.kind, is_foreign=is_foreign_future(line))


def foreign_futures_of(lines: Iterable[PortfolioLine]) -> list[PortfolioLine]:
    """Give the futures-style contracts of a book that are settled in a foreign currency and sound by themselves."""
    return [line for line in lines if is_foreign_future(line) and line_fault(line) is None]


def futures_market(
    quotes: CurveQuotes,
    settlements: Sequence[CurveQuote],
    lines: Sequence[PortfolioLine],
    *,
    fx_stale_after_days: FxLimit,
) -> FuturesMarket:
    """Read what each contract rests on; a line whose contract is not known is a gap, and the others stand.

    Args:
        quotes: Exchange rates of the day.
        settlements: Settlement prices of the last month, ascending by day.
        lines: Lines of `foreign_futures_of`.
        fx_stale_after_days: How old a spot exchange rate may be, by pair.
    """

    def read(terms: ContractTerms) -> SettledContract:
        named = [one for one in settlements if one.name == terms.scheme and one.point == terms.contract_code]
        mine = [one for one in named if one.currency is terms.currency]
        if not mine:
            raise _not_settled(terms, named)
        rate = cny_rate(quotes, terms.currency, stale_after_days=fx_stale_after_days)
        return SettledContract(
            terms=terms,
            prices=tuple(
                SettledPrice(
                    settlement_date=one.quote_date, price_per_t=one.value, document=one.document or one.source,
                    is_sample=one.is_sample,
                )
                for one in mine
            ),
            cny_per_unit=rate.cny_per_unit,
            fx_source=rate.source,
            is_fx_sample=rate.is_sample,
        )  # fmt: skip

    contracts, gaps = read_points(lines, ContractTerms.of, read)
    return FuturesMarket(
        valuation_date=quotes.valuation_date, quotes_digest=digest_of(contracts), contracts=contracts, gaps=gaps
    )


def _not_settled(terms: ContractTerms, named: Sequence[CurveQuote]) -> MissingData:
    """Say that a contract has no settlement price in its currency, and in which it has some."""
    others = "、".join(sorted({one.currency.value for one in named}))
    return MissingData(
        f"contract {terms.contract_code} of {terms.scheme} has no settlement price in {terms.currency}"
        + (f"; it is settled in {others}" if others else ""),
        zh=f"{terms.scheme} 合约 {terms.contract_code} 没有 {terms.currency} 结算价"
        + (f"，已存结算价币种为 {others}" if others else ""),
        field="contract_code",
        remedy="Import the settlement prices of the contract, or correct code and currency.",
        remedy_zh="请导入该合约的结算价，或更正合约代码与币种。",
    )
