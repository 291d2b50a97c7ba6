"""What curves are built from: settlement prices by expiry, rates by tenor and exchange rates, under one digest.

These quotes stand in a type of their own and not in `MarketSnapshot`. A snapshot is the recorded input of every
valuation made so far, and its digest names its whole content: with rates and settlement curves inside it, a correction
of a SHIBOR fixing would change the digest of a spot book that no rate touches. What discounts or interpolates takes
`CurveQuotes` beside the snapshot and records both.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NoReturn

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import aware
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import Grade
from carbonfin.rules.record import digest_of

_TENOR = re.compile(r"ON|TN|SN|[1-9][0-9]{0,2}[DWMY]")
_CONTRACT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_VOLATILITY_POINT = re.compile(r"(\d{4}-\d{2}-\d{2})/([1-9]\d{0,4}(?:\.\d{1,6})?|0\.\d{1,6})(F?)")
_RATE_MAX = Decimal("0.5")
_VOLATILITY_MAX = Decimal(5)
FX_SPOT = "SPOT"


class CurveQuoteKind(StrEnum):
    """What a value is, and so how it is read: a price, a rate as a decimal, or units of one currency for another."""

    SETTLEMENT = "settlement"
    FIXING = "fixing"
    DEPOSIT = "deposit"
    SWAP = "swap"
    FX = "fx"
    VOLATILITY = "volatility"


CURVE_QUOTE_LABELS: Mapping[CurveQuoteKind, tuple[str, str]] = {
    CurveQuoteKind.SETTLEMENT: ("结算价", "settlement price"),
    CurveQuoteKind.FIXING: ("定盘利率", "fixing"),
    CurveQuoteKind.DEPOSIT: ("存款利率", "deposit rate"),
    CurveQuoteKind.SWAP: ("互换利率", "swap rate"),
    CurveQuoteKind.FX: ("汇率", "exchange rate"),
    CurveQuoteKind.VOLATILITY: ("波动率", "volatility"),
}

LPR = "LPR"
"""The loan prime rate (贷款市场报价利率): banks lend by it, and it never discounts."""
LPR_TENORS = ("1Y", "5Y")
RATE_SERIES: Mapping[str, tuple[CurveQuoteKind, Currency]] = {
    "SHIBOR": (CurveQuoteKind.FIXING, Currency.CNY),
    "FR007": (CurveQuoteKind.FIXING, Currency.CNY),
    "FR007_SWAP": (CurveQuoteKind.SWAP, Currency.CNY),
    "SHIBOR_3M_SWAP": (CurveQuoteKind.SWAP, Currency.CNY),
    "CNY_DEPOSIT": (CurveQuoteKind.DEPOSIT, Currency.CNY),
    "DR001": (CurveQuoteKind.FIXING, Currency.CNY),
    "HIBOR": (CurveQuoteKind.FIXING, Currency.HKD),
    "CNH_HIBOR": (CurveQuoteKind.FIXING, Currency.CNH),
    LPR: (CurveQuoteKind.FIXING, Currency.CNY),
    **{f"{one}_DEPOSIT": (CurveQuoteKind.DEPOSIT, one) for one in Currency if one is not Currency.CNY},
    **{f"{one}_SWAP": (CurveQuoteKind.SWAP, one) for one in Currency if one is not Currency.CNY},
}
"""The rates that are read, by name: what each is and of which currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveQuote:
    """One instrument of a curve on one day, as its venue or administrator published it.

    Attributes:
        kind: What the value is.
        name: Scheme of a settlement or volatility (EUA), series of a rate (SHIBOR), pair of an exchange rate (USDCNY:
            CNY for 1 USD).
        point: Contract code, tenor (ON, 7D, 3M, 5Y), for exchange rates SPOT or the tenor of an outright forward, for a
            volatility its expiry and strike (2026-12-14/75) or strike over forward (2026-12-14/1.05F).
        expiry_date: Last trading day of the contract or expiry of the option; None for rates and exchange rates.
        quote_date: Day the value refers to.
        value: Price in the currency per tonne, rate or volatility as a decimal (0.0152), or units of the second
            currency.
        currency: Currency of the price or rate; of an exchange rate, the second one.
        known_from: Day it was known in China.
        source: Venue or administrator, named wherever the value is shown.
        document: Where it was read.
        grade: How well it is known.
        is_sample: An invented value (示例).
    """

    kind: CurveQuoteKind
    name: str
    point: str
    expiry_date: date | None
    quote_date: date
    value: Decimal
    currency: Currency
    known_from: date
    source: str
    document: str
    grade: Grade
    is_sample: bool

    def __post_init__(self) -> None:
        """Refuse names, points and values that do not belong to the kind."""
        if not self.value.is_finite():
            _refuse(self, "value", f"the value is {self.value}", "数值无效")
        if self.kind is CurveQuoteKind.SETTLEMENT:
            _check_settlement(self)
        elif self.kind is CurveQuoteKind.FX:
            _check_fx(self)
        elif self.kind is CurveQuoteKind.VOLATILITY:
            _check_volatility(self)
        else:
            _check_rate(self)


def _check_settlement(quote: CurveQuote) -> None:
    if quote.name not in Scheme.__members__:
        _refuse(quote, "scheme", f"{quote.name!r} is no scheme", "不是已知的配额品种")
    if _CONTRACT.fullmatch(quote.point) is None:
        _refuse(quote, "contract_code", f"{quote.point!r} is no contract code", "合约代码无效")
    if quote.expiry_date is None or quote.expiry_date < quote.quote_date:
        _refuse(
            quote,
            "expiry_date",
            f"expiry {quote.expiry_date} is missing or before {quote.quote_date}",
            "到期日缺失或早于结算日",
        )
    if quote.value <= 0:
        _refuse(quote, "value", f"the settlement price is {quote.value}", "结算价必须为正数")


def _check_fx(quote: CurveQuote) -> None:
    first, second = quote.name[:3], quote.name[3:]
    if first not in Currency.__members__ or second not in Currency.__members__ or first == second:
        _refuse(quote, "pair", f"{quote.name!r} is no pair of {', '.join(Currency)}", "货币对无效")
    if quote.currency != second or quote.expiry_date is not None:
        _refuse(quote, "pair", f"{quote.name} is quoted in {second} and has no expiry", "计价货币或到期日有误")
    if quote.point != FX_SPOT and _TENOR.fullmatch(quote.point) is None:
        _refuse(quote, "tenor", f"{quote.point!r} is neither SPOT nor a tenor", "期限应为 SPOT 或 1M、1Y 等")
    if quote.value <= 0:
        _refuse(quote, "value", f"the exchange rate is {quote.value}", "汇率必须为正数")


def _check_volatility(quote: CurveQuote) -> None:
    if quote.name not in Scheme.__members__:
        _refuse(quote, "scheme", f"{quote.name!r} is no scheme", "不是已知的配额品种")
    read = _VOLATILITY_POINT.fullmatch(quote.point)
    if read is None or read[1] != str(quote.expiry_date):
        _refuse(quote, "strike", f"{quote.point!r} is no expiry and strike", "到期日或行权价无效")
    if quote.expiry_date is None or quote.expiry_date <= quote.quote_date:
        _refuse(quote, "expiry_date", f"the option expires on {quote.expiry_date}", "期权到期日须晚于报价日")
    if not 0 < quote.value < _VOLATILITY_MAX:
        _refuse(
            quote, "volatility", f"{quote.value} as a decimal is no volatility", "波动率疑似按百分数填写（35% 为 0.35）"
        )


def volatility_point(quote: CurveQuote) -> tuple[Decimal, bool]:
    """Give the strike of a volatility, and whether it is one over the forward."""
    read = _VOLATILITY_POINT.fullmatch(quote.point)
    assert read is not None, "checked when the quote was made"
    return Decimal(read[2]), bool(read[3])


def _check_rate(quote: CurveQuote) -> None:
    if RATE_SERIES.get(quote.name) != (quote.kind, quote.currency) or quote.expiry_date is not None:
        _refuse(
            quote, "name", f"{quote.name!r} is no {quote.kind} in {quote.currency}", "不是已知的利率名称"
        )  # fmt: skip
    if _TENOR.fullmatch(quote.point) is None:
        _refuse(quote, "tenor", f"{quote.point!r} is no tenor", "期限应为 ON、7D、3M、1Y 等")
    if quote.name == LPR and quote.point not in LPR_TENORS:
        _refuse(quote, "tenor", f"LPR has tenors {' and '.join(LPR_TENORS)}", "LPR 期限应为 1Y 或 5Y（5 年期以上）")
    if abs(quote.value) >= _RATE_MAX:
        _refuse(quote, "value", f"{quote.value} as a decimal rate is beyond ±{_RATE_MAX}", "利率过大，疑似按百分数填写")


def _refuse(quote: CurveQuote, field: str, detail: str, zh: str) -> NoReturn:
    raise InvalidInput(
        f"{quote.name} {quote.point} on {quote.quote_date}: {detail}",
        zh=f"{quote.name} {quote.point} {quote.quote_date}：{zh}",
        field=field,
        remedy="Correct it against the publication; rates: " + ", ".join(RATE_SERIES) + ".",
        remedy_zh="请对照公布值更正；可用的利率名称：" + "、".join(RATE_SERIES) + "。",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveQuotes:
    """The last quotes of every curve on a day, as known at an instant; the digest names the content.

    Attributes:
        valuation_date: Day the values refer to.
        known_at: Instant as of which they were known.
        quotes: By kind, name, expiry and point, each once; of a curve only the quotes of its last day.
    """

    valuation_date: date
    known_at: datetime
    quotes: tuple[CurveQuote, ...]

    def __post_init__(self) -> None:
        """Refuse quotes of later days, quotes out of order and a naive instant."""
        aware(self.known_at)
        keys = [curve_quote_order(quote) for quote in self.quotes]
        if keys != sorted(set(keys)):
            raise InvalidInput(
                "the quotes of curves stand in order of kind, name, expiry and point, each once",
                zh="曲线报价须按类别、名称、到期日和期限排列且不重复",
            )
        if any(quote.quote_date > self.valuation_date for quote in self.quotes):
            raise InvalidInput(
                f"curve quotes of {self.valuation_date} hold a later quote",
                zh=f"{self.valuation_date} 的曲线报价含有以后的数值",
            )

    @property
    def digest(self) -> str:
        """SHA-256 over the whole content."""
        return digest_of(self)

    def settlements_of(self, scheme: Scheme) -> tuple[CurveQuote, ...]:
        """Give the settlement curve of a scheme, ascending by expiry; contracts expired by the valuation date left out.

        Raises:
            MissingData: No contract of the scheme is quoted.
        """
        found = self._of(CurveQuoteKind.SETTLEMENT, scheme)
        return tuple(one for one in found if one.expiry_date is not None and one.expiry_date >= self.valuation_date)

    def volatilities_of(self, scheme: Scheme) -> tuple[CurveQuote, ...]:
        """Give the volatilities of a scheme by expiry and strike; options expired by the valuation date left out.

        Raises:
            MissingData: None is quoted.
        """
        found = self._of(CurveQuoteKind.VOLATILITY, scheme)
        return tuple(one for one in found if one.expiry_date is not None and one.expiry_date > self.valuation_date)

    def rates_of(self, name: str) -> tuple[CurveQuote, ...]:
        """Give the tenors of a rate, ascending.

        Raises:
            MissingData: The rate is not quoted.
        """
        assert name in RATE_SERIES, name
        return self._of(RATE_SERIES[name][0], name)

    def fx_of(self, pair: str) -> tuple[CurveQuote, ...]:
        """Give the spot rate of a pair and its outright forwards, ascending.

        Raises:
            MissingData: The pair is not quoted.
        """
        return self._of(CurveQuoteKind.FX, pair)

    def _of(self, kind: CurveQuoteKind, name: str) -> tuple[CurveQuote, ...]:
        found = tuple(quote for quote in self.quotes if quote.kind is kind and quote.name == name)
        if not found:
            raise MissingData(
                f"{name} has no {kind} on or before {self.valuation_date}",
                zh=f"{name} 在 {self.valuation_date} 及之前没有{CURVE_QUOTE_LABELS[kind][0]}",
                field="curve",
                remedy="Import the publication of that day.",
                remedy_zh="请导入当日公布值。",
            )
        return found


_TENOR_DAYS = {"D": 1, "W": 7, "M": 30, "Y": 365}


def _tenor_order(point: str) -> int:
    """Give a number that orders tenors; overnight first, contract codes and SPOT before all."""
    if point in {"ON", "TN", "SN"}:
        return ("ON", "TN", "SN").index(point)
    return int(point[:-1]) * _TENOR_DAYS[point[-1]] + 3 if _TENOR.fullmatch(point) else -1


def curve_quote_order(quote: CurveQuote) -> tuple[str, str, date, int, str]:
    """Give the key by which quotes of curves are ordered: kind, name, expiry, tenor, point."""
    return (
        str(quote.kind), quote.name, quote.expiry_date or date.min, _tenor_order(quote.point), quote.point,
    )  # fmt: skip
