"""Carmona and Hinz fitted to the stored market: one period or two, to price history or to the options of the day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency, to_float
from carbonfin.rules.record import digest_of
from carbonfin.storage.rulebook import book_for
from pricing.calc.curve_quotes import CurveQuote, CurveQuoteKind
from pricing.calc.market import Quote
from pricing.calc.models.carmona_hinz_calibration import FitErrors, OptionQuotes, fit_options, fit_path
from pricing.calc.models.cautions import FloatArray
from pricing.calc.models.model_fits import (
    QUESTION_ZH,
    CalibratedTo,
    FittedNumber,
    ModelCaution,
    ModelFit,
    ModelQuestion,
)
from pricing.calc.models.model_values import years_to
from pricing.calc.models.two_period_calibration import (
    PeriodTerms,
    TwoPeriodFit,
    TwoPeriodQuotes,
    fit_two_paths,
    fit_two_periods_to_options,
)
from pricing.calc.quality import single_vintage_series
from pricing.service.curve_quotes import curve_quotes_of
from pricing.service.market import market_days
from pricing.service.period_options import QuotedCalls, quoted_calls
from pricing.service.volatilities import price_history

_DAYS_A_YEAR = 365.0
_NOT_CARRIED = ModelCaution(
    code="not_carried_by_expiry",
    zh="校准时各期权以其到期日的远期价格为标的；定价时所有期权同用一个标的价格，未按各自到期日计入持有成本",
    en="each option was fitted at the forward price to its own expiry; all are valued at one price of the allowance,"
    " without the carry to their expiries",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Market:
    """Whose market a fit is read from, and as of when."""

    session: Session
    actor: Actor
    question: ModelQuestion
    valuation_date: date
    known_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prices:
    """Prices of an allowance by day, with what they were read from."""

    by_day: Mapping[date, Decimal]
    currency: Currency
    sources: frozenset[str]
    is_sample: bool
    quotes: tuple[Quote, ...] | tuple[CurveQuote, ...]


def fitted_period(
    session: Session, actor: Actor, question: ModelQuestion, *, valuation_date: date, known_at: datetime
) -> ModelFit:
    """Fit one period to the traded closes of a unit off the limit, or to the options of its scheme.

    Raises:
        InvalidInput: The penalty or the compliance date is not given, or a price lies outside the model.
        MissingData: There are too few prices or options.
    """
    market = _Market(session=session, actor=actor, question=question, valuation_date=valuation_date, known_at=known_at)
    terms = _terms(market, question.penalty_per_t, question.compliance_date, prefix="")
    if question.calibrated_to is CalibratedTo.OPTIONS:
        return _fitted_to_options(market, terms)
    prices = _closes(market, question.unit)
    days = sorted(prices.by_day)
    found = fit_path(
        penalty_per_t=terms.penalty_per_t, compliance_years=terms.compliance_years,
        times_years=_times(market, days), prices_per_t=_array(prices.by_day[day] for day in days),
    )  # fmt: skip
    assert question.penalty_per_t is not None, "asked for above"
    return _fit_of(
        prices, days,
        numbers=(
            *_period_numbers(found.period.alpha, found.period.beta, found.errors),
            FittedNumber.of("risk_price", found.risk_price, None if found.errors is None else found.errors.risk_price),
            FittedNumber(name="penalty_per_t", value=question.penalty_per_t, error=None),
            FittedNumber(name="price_per_t", value=prices.by_day[days[-1]], error=None),
        ),
        cautions=tuple(map(ModelCaution.of, found.warnings)),
        data=prices.quotes,
    )  # fmt: skip


def fitted_two_periods(
    session: Session, actor: Actor, question: ModelQuestion, *, valuation_date: date, known_at: datetime
) -> ModelFit:
    """Fit two periods to the prices of both allowances and, where asked, this period anew to the options of the day.

    Both allowances are two vintages, or two futures of one scheme on either side of the compliance date.

    Raises:
        InvalidInput: A penalty, a date or the fraction is not given, the next allowance is none of a later vintage, or
            the last prices lie outside the model.
        MissingData: There are too few days on which both are priced, or too few options.
    """
    market = _Market(session=session, actor=actor, question=question, valuation_date=valuation_date, known_at=known_at)
    terms = _terms(market, question.penalty_per_t, question.compliance_date, prefix="")
    ahead = _terms(market, question.penalty_next_per_t, question.next_compliance_date, prefix="next_")
    fraction = question.carried_fraction
    if fraction is None or ahead.compliance_years <= terms.compliance_years:
        raise _wanting("carried_fraction" if fraction is None else "next_compliance_date")
    if question.following_unit is None:
        own, next_one = _strip_prices(market)
    else:
        _require_following(question.unit, question.following_unit)
        own, next_one = _closes(market, question.unit), _closes(market, question.following_unit)
    days = sorted(own.by_day.keys() & next_one.by_day.keys())
    if not days:
        raise MissingData(
            f"there is no day with a price of both {question.unit} allowances",
            zh=f"{question.unit} 与下一期配额没有同日价格",
            field="following_unit",
            remedy="Import the prices of both.",
            remedy_zh="请导入两期配额价格。",
        )
    found = fit_two_paths(
        terms, ahead, carried_fraction=to_float(fraction), times_years=_times(market, days),
        prices_per_t=_array(own.by_day[day] for day in days),
        following_per_t=_array(next_one.by_day[day] for day in days),
    )  # fmt: skip
    numbers = (
        *_period_numbers(found.periods.current.alpha, found.periods.current.beta, found.current.errors),
        *_period_numbers(
            found.periods.following.alpha, found.periods.following.beta, found.following.errors, suffix="_next"
        ),
        FittedNumber.of("state_correlation", found.periods.state_correlation, found.correlation_error),
        *_given_numbers(question),
        FittedNumber(name="price_per_t", value=own.by_day[days[-1]], error=None),
        FittedNumber(name="following_per_t", value=next_one.by_day[days[-1]], error=None),
        FittedNumber.of("scarcity_per_t", found.scarcity_per_t, None),
    )
    both = replace(own, sources=own.sources | next_one.sources, is_sample=own.is_sample or next_one.is_sample)
    fit = _fit_of(
        both, days, numbers=numbers, cautions=tuple(map(ModelCaution.of, found.warnings)),
        data=(*own.quotes, *next_one.quotes), observation_count=found.observation_count, contract_count=2,
    )  # fmt: skip
    return fit if question.calibrated_to is not CalibratedTo.OPTIONS else _two_fitted_to_options(market, found, fit)


def _fitted_to_options(market: _Market, terms: PeriodTerms) -> ModelFit:
    """Fit one period to the calls of the day; the allowance's price is the forward of each expiry."""
    calls = _calls(market)
    found = fit_options(
        OptionQuotes(
            price_per_t=calls.forward_per_t, strike_per_t=calls.strike_per_t, expiry_years=calls.expiry_years,
            discount_factor=calls.discount_factor, call_per_t=calls.call_per_t,
        ),
        penalty_per_t=terms.penalty_per_t, compliance_years=terms.compliance_years,
    )  # fmt: skip
    penalty = market.question.penalty_per_t
    assert penalty is not None, "asked for before"
    numbers = (
        *_period_numbers(found.period.alpha, found.period.beta, found.errors),
        FittedNumber(name="penalty_per_t", value=penalty, error=None),
        FittedNumber(name="forward_per_t", value=_nearest_forward(calls), error=None),
        FittedNumber.of("root_mean_square_per_t", found.root_mean_square_per_t, None),
    )
    return _fit_to(calls, numbers, tuple(map(ModelCaution.of, found.warnings)))


def _two_fitted_to_options(market: _Market, found: TwoPeriodFit, fit: ModelFit) -> ModelFit:
    """Fit this period anew to the calls of the day; the next period and the correlation stay as history left them."""
    calls = _calls(market)
    if calls.points[0].currency is not fit.currency:
        raise InvalidInput(
            f"options are quoted in {calls.points[0].currency}, the prices in {fit.currency}",
            zh=f"期权以 {calls.points[0].currency} 报价，价格以 {fit.currency} 报价",
            field="calibrated_to",
            remedy="Calibrate to history, or bring options in the currency of the prices.",
            remedy_zh="请改为按历史价格校准，或导入同币种期权波动率。",
        )
    carried = found.periods.carried_fraction * found.following_per_t
    answer = fit_two_periods_to_options(
        found.periods,
        TwoPeriodQuotes(
            scarcity_per_t=calls.forward_per_t - carried, following_per_t=found.following_per_t,
            strike_per_t=calls.strike_per_t, expiry_years=calls.expiry_years, discount_factor=calls.discount_factor,
            call_per_t=calls.call_per_t,
        ),
    )  # fmt: skip
    current = answer.periods.current
    own = {one.name: one for one in _period_numbers(current.alpha, current.beta, answer.errors)}
    numbers = (
        *(own.get(one.name, one) for one in fit.numbers),
        FittedNumber.of("root_mean_square_per_t", answer.root_mean_square_per_t, None),
    )
    told = _fit_to(calls, numbers, tuple(map(ModelCaution.of, answer.warnings)))
    return replace(
        fit, numbers=numbers, cautions=tuple(dict.fromkeys((*fit.cautions, *told.cautions))),
        data_digest=digest_of((fit.data_digest, told.data_digest)),
        sources=tuple(sorted({*fit.sources, *told.sources})), is_sample=fit.is_sample or told.is_sample,
    )  # fmt: skip


def _calls(market: _Market) -> QuotedCalls:
    until = market.question.compliance_date
    assert until is not None, "asked for before"
    return quoted_calls(
        market.session, market.actor, market.question.unit.scheme, until=until,
        valuation_date=market.valuation_date, known_at=market.known_at,
    )  # fmt: skip


def _nearest_forward(calls: QuotedCalls) -> Decimal:
    """Give the forward of the earliest expiry: the nearest to what the allowance costs today."""
    return min(calls.points, key=lambda one: one.terms.expiry_date).forward_per_t


def _fit_to(calls: QuotedCalls, numbers: tuple[FittedNumber, ...], cautions: tuple[ModelCaution, ...]) -> ModelFit:
    days = [one.quote_date for one in calls.points]
    return ModelFit(
        currency=calls.points[0].currency,
        observation_count=len(calls.points),
        contract_count=len({one.terms.expiry_date for one in calls.points}),
        first_date=min(days),
        last_date=max(days),
        longest_maturity_date=None,
        numbers=numbers,
        cautions=(*cautions, _NOT_CARRIED),
        data_digest=digest_of(calls.points),
        sources=tuple(sorted({source for one in calls.points for source in one.sources})),
        is_sample=any(one.is_sample for one in calls.points),
    )


def _given_numbers(question: ModelQuestion) -> tuple[FittedNumber, ...]:
    given = ("penalty_per_t", "penalty_next_per_t", "carried_fraction")
    return tuple(FittedNumber(name=name, value=getattr(question, name), error=None) for name in given)


def _period_numbers(
    alpha: float, beta: float, errors: FitErrors | None, *, suffix: str = ""
) -> tuple[FittedNumber, FittedNumber]:
    return (
        FittedNumber.of(f"alpha{suffix}", alpha, None if errors is None else errors.alpha),
        FittedNumber.of(f"beta{suffix}", beta, None if errors is None else errors.beta),
    )


def _terms(market: _Market, penalty: Decimal | None, day: date | None, *, prefix: str) -> PeriodTerms:
    """Give what is given of a period; which field is wanting is told."""
    if penalty is None:
        raise _wanting("penalty_next_per_t" if prefix else "penalty_per_t")
    if day is None or day <= market.valuation_date:
        raise _wanting(f"{prefix}compliance_date")
    return PeriodTerms(penalty_per_t=to_float(penalty), compliance_years=years_to(market.valuation_date, day))


def _wanting(field: str) -> InvalidInput:
    return InvalidInput(
        f"Carmona and Hinz needs {field}; compliance dates lie after the valuation date, the next one after this one",
        zh=f"Carmona–Hinz 模型缺少{QUESTION_ZH[field]}，或日期不符：履约截止日须晚于估值日，下一期晚于本期",
        field=field,
        remedy="Give penalty and compliance date of each period, and the fraction carried over for two; where the fine"
        " is a multiple of a price the penalty is your estimate.",
        remedy_zh="请填写各期每吨罚款与履约截止日，两期模型另填可结转比例；罚款为价格倍数的，请填写估计值。",
    )


def _require_following(unit: Unit, following: Unit) -> None:
    """Refuse a next allowance that is not of the same scheme and of a later vintage."""
    vintages = (unit.vintage, following.vintage)
    if following.scheme is unit.scheme and None not in vintages and (unit.vintage or 0) < (following.vintage or 0):
        return
    raise InvalidInput(
        f"{following} is not the allowance of a later period than {unit}: it must be of the same scheme and a later"
        " vintage",
        zh=f"{following} 不是 {unit} 之后的配额：下一期品种须属同一市场，且配额年度更晚",
        field="following_unit",
        remedy=f"Name a later vintage of {unit.scheme}, or leave it out to take two futures on either side of the"
        " compliance date.",
        remedy_zh=f"请填写 {unit.scheme} 更晚年度的配额；留空则取履约截止日前后各一个期货合约。",
    )


def _closes(market: _Market, unit: Unit) -> _Prices:
    """Give the closes of a vintage that traded and did not close at the limit: other closes are no prices."""
    quotes = single_vintage_series(
        market_days(
            market.session, market.actor, unit=unit,
            from_date=market.valuation_date - timedelta(days=market.question.history_days),
            to_date=market.valuation_date, known_at=market.known_at,
        )
    )  # fmt: skip
    kept: tuple[Quote, ...] = ()
    if quotes:
        book = book_for(market.session, market.actor.organization_id, packages=("pricing",))
        limit = book.find(
            "pricing.limit_ratio", valid_on=market.valuation_date, known_at=market.known_at, scope=unit.scheme
        )
        history = price_history(quotes, None if limit is None else limit.decimal)
        keeps = (history.traded & ~history.at_limit).tolist()
        kept = tuple(quote for quote, keep in zip(quotes, keeps, strict=True) if keep)
    return _Prices(
        by_day={one.quote_date: one.price_cny_per_t for one in kept},
        currency=Currency.CNY,
        sources=frozenset(one.exchange for one in kept),
        is_sample=any(one.is_sample for one in kept),
        quotes=kept,
    )


def _strip_prices(market: _Market) -> tuple[_Prices, _Prices]:
    """Give the settlement prices of the future quoted most within this period, and within the next one."""
    question = market.question
    quotes = curve_quotes_of(
        market.session, market.actor, kind=CurveQuoteKind.SETTLEMENT, name=question.unit.scheme,
        from_date=market.valuation_date - timedelta(days=question.history_days), to_date=market.valuation_date,
        known_at=market.known_at,
    )  # fmt: skip
    ends = (market.valuation_date, question.compliance_date, question.next_compliance_date)
    assert ends[1] is not None, "asked for before"
    assert ends[2] is not None, "asked for before"
    found = []
    for start, end in ((ends[0], ends[1]), (ends[1], ends[2])):
        inside = [one for one in quotes if one.expiry_date is not None and start < one.expiry_date <= end]
        if not inside:
            raise MissingData(
                f"{question.unit.scheme} has no settlement price of a future that expires after {start} and by {end}",
                zh=f"{question.unit.scheme} 没有 {start} 之后、{end} 及以前到期的期货结算价",
                field="unit",
                remedy="Import the settlement prices, or name the vintage of the next period as following_unit.",
                remedy_zh="请导入期货结算价，或填写下一期品种（下一年度配额）。",
            )
        counts: dict[str, int] = {}
        for one in inside:
            counts[one.point] = counts.get(one.point, 0) + 1
        chosen = min(counts, key=lambda point: (-counts[point], point))
        found.append(tuple(one for one in inside if one.point == chosen))
    own, ahead = (
        _Prices(
            by_day={one.quote_date: one.value for one in kept},
            currency=kept[-1].currency,
            sources=frozenset(one.source for one in kept),
            is_sample=any(one.is_sample for one in kept),
            quotes=kept,
        )
        for kept in found
    )
    return own, ahead


def _fit_of(
    prices: _Prices,
    days: Sequence[date],
    *,
    numbers: tuple[FittedNumber, ...],
    cautions: tuple[ModelCaution, ...],
    data: Sequence[Quote | CurveQuote],
    observation_count: int | None = None,
    contract_count: int = 1,
) -> ModelFit:
    return ModelFit(
        currency=prices.currency,
        observation_count=len(days) if observation_count is None else observation_count,
        contract_count=contract_count,
        first_date=days[0],
        last_date=days[-1],
        longest_maturity_date=None,
        numbers=numbers,
        cautions=cautions,
        data_digest=digest_of(tuple(data)),
        sources=tuple(sorted(prices.sources)),
        is_sample=prices.is_sample,
    )


def _times(market: _Market, days: Sequence[date]) -> FloatArray:
    return np.array([(day - market.valuation_date).days / _DAYS_A_YEAR for day in days])


def _array(values: Iterable[Decimal]) -> FloatArray:
    return np.array([to_float(one) for one in values])
