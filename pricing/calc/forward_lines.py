"""The value of OTC forwards among the lines of a portfolio, PV = (F - K) q D X.

F and D come off the curves of the day: F off the futures curve of the unit, else its spot carried along the discount
curve of its currency. A flat rate stands in their place only where a bank asks for it by name, and is labelled as the
assumption it is.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial

import numpy as np

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData
from carbonfin.kernel.units import Currency, to_decimal, to_float
from carbonfin.rules.parameters import ParameterValue
from pricing.calc.delivery_days import provisional_after
from pricing.calc.forward_market import ForwardMarket, ForwardPoint, ForwardTerms
from pricing.calc.forward_values import forward_figures, forward_value
from pricing.calc.forwards import (
    carried_forward_per_t,
    flat_discount_factors,
    forward_present_value_cny,
    forward_price_cny_per_t,
    maturity_years,
)
from pricing.calc.line_faults import failure_of
from pricing.calc.lines import CONVENIENCE_YIELD, FORWARD_RATE, Forward, ForwardKey, LineMarket, ValuedLine
from pricing.calc.positions import PortfolioLine

_CARRIED_LEVEL, _LISTED_LEVEL = 3, 2
_NOTHING = Decimal(0)
_Errors = dict[tuple[Unit, ForwardKey], CarbonFinError]
_Missing = Mapping[tuple[Unit, ForwardKey], PortfolioLine]


def value_forwards(
    market: LineMarket,
    lines: Sequence[PortfolioLine],
    *,
    forwards: ForwardMarket | None,
    unpriced: Mapping[Unit, CarbonFinError],
) -> Batch[ValuedLine]:
    """Value forwards, each rounded to the fen once, after the exchange rate; those that cannot be valued are failures.

    Args:
        market: Snapshot and fair prices.
        lines: Forwards that are sound by themselves.
        forwards: What the curves say of them; None for the flat rate, which was asked for by name.
        unpriced: Why a unit has no fair price.
    """
    today = market.snapshot.valuation_date
    late = [line for line in lines if line.delivery_date is not None and line.delivery_date <= today]
    good = [line for line in lines if line not in late] if late else lines
    known, failures = _known(market, good, forwards, unpriced)
    failures += [failure_of(line, _delivered(line, today)) for line in late]
    if not known:
        return Batch(values=(), failures=tuple(failures))
    worths = forward_present_value_cny(
        forward_cny_per_t=np.array([one.forward_per_t for _, one in known]),
        strike_cny_per_t=np.array([to_float(line.agreed_per_t or _NOTHING) for line, _ in known]),
        quantity_t=np.array([line.quantity_t for line, _ in known], dtype=np.float64),
        discount_factor=np.array([one.discount_factor for _, one in known]),
    )
    worths_cny = worths * np.array([one.cny_per_unit for _, one in known])
    values = []
    for (line, one), worth, worth_cny in zip(known, worths.tolist(), worths_cny.tolist(), strict=True):
        # Adding nothing takes the sign off a zero, as whole fen have it.
        present_cny = to_decimal(worth_cny, places=2) + _NOTHING
        values.append(
            ValuedLine(
                line.line_id, line.kind, line.unit, one.shown_cny_per_t, one.level, one.is_sample, present_cny, None,
                partial(forward_value, market, line, one, worth, present_cny),
                partial(forward_figures, market, line, one, worth, present_cny),
                None if one.spot is None else line.unit,
                market.is_valuation_only(line),
                one.provisional_after is not None,
            )
        )  # fmt: skip
    return Batch(values=tuple(values), failures=tuple(failures))


def known_forward(market: LineMarket, line: PortfolioLine, forwards: ForwardMarket | None) -> Forward:
    """Give what a forward rests on that was valued on this market before."""
    return market.forwards[line.unit][_key(line, _digest(forwards))]


def forward_of(
    market: LineMarket,
    line: PortfolioLine,
    *,
    forwards: ForwardMarket | None,
    unpriced: Mapping[Unit, CarbonFinError],
) -> Forward:
    """Give what one forward rests on.

    Raises:
        MissingData: A price, a curve or the flat rate is not known.
        InvalidInput: The flat rate was asked for in another currency.
    """
    if forwards is None and line.unit in unpriced:
        raise unpriced[line.unit]
    errors = _learn(market, {(line.unit, _key(line, _digest(forwards))): line}, forwards, unpriced)
    for error in errors.values():
        raise error
    return known_forward(market, line, forwards)


def _digest(forwards: ForwardMarket | None) -> str:
    return "" if forwards is None else forwards.set_digest


def _key(line: PortfolioLine, digest: str) -> ForwardKey:
    assert line.delivery_date is not None, "a sound forward has a delivery"
    return line.delivery_date, line.agreed_currency, digest


def _known(
    market: LineMarket,
    lines: Sequence[PortfolioLine],
    forwards: ForwardMarket | None,
    unpriced: Mapping[Unit, CarbonFinError],
) -> tuple[list[tuple[PortfolioLine, Forward]], list[Failure]]:
    """Give what each line rests on, calculated once for all of the same terms, and the failures of the others."""
    digest = _digest(forwards)
    keyed = [(line, _key(line, digest)) for line in lines]
    missing: dict[tuple[Unit, ForwardKey], PortfolioLine] = {}
    for line, key in keyed:
        days = market.forwards.get(line.unit)
        if days is None or key not in days:
            missing.setdefault((line.unit, key), line)
    errors = _learn(market, missing, forwards, unpriced) if missing else {}
    known = [(line, market.forwards[line.unit][key]) for line, key in keyed if (line.unit, key) not in errors]
    failures = [failure_of(line, errors[line.unit, key]) for line, key in keyed if (line.unit, key) in errors]
    return known, failures


def _learn(
    market: LineMarket,
    missing: _Missing,
    forwards: ForwardMarket | None,
    unpriced: Mapping[Unit, CarbonFinError],
) -> _Errors:
    """Have the market know what forwards rest on, and give the errors of those it cannot know."""
    errors: _Errors = {}
    ends: dict[tuple[Unit, ForwardKey], date | None] = {}
    for unit, key in missing:
        try:
            ends[unit, key] = provisional_after(market.snapshot, unit, key[0])
        except MissingData as error:
            errors[unit, key] = error
    within = {terms: line for terms, line in missing.items() if terms in ends}
    if forwards is None:
        errors |= _learn_on_flat_rate(market, within)
    else:
        errors |= _learn_on_curves(market, within, forwards, unpriced)
    for unit, key in within:
        until = ends[unit, key]
        if until is not None and (unit, key) not in errors:
            market.forwards[unit][key] = market.forwards[unit][key]._replace(provisional_after=until)
    return errors


def _learn_on_flat_rate(market: LineMarket, missing: _Missing) -> _Errors:
    """Have the market know what forwards rest on at one flat rate r: F = S exp(r T), D = exp(-r T)."""
    try:
        rate = market.snapshot.parameter(FORWARD_RATE, scope="")
    except MissingData as error:
        return dict.fromkeys(missing, error)
    errors: _Errors = {
        (unit, key): _no_flat_rate_in(line)
        for (unit, key), line in missing.items()
        if line.agreed_currency is not Currency.CNY
    }
    pairs = [pair for pair in missing if pair not in errors]
    if pairs:
        for (unit, key), forward in zip(pairs, _flat_forwards(market, pairs, rate), strict=True):
            market.forwards.setdefault(unit, {})[key] = forward
    return errors


def _flat_forwards(market: LineMarket, pairs: Sequence[tuple[Unit, ForwardKey]], rate: ParameterValue) -> list[Forward]:
    today = market.snapshot.valuation_date
    distinct = sorted({key[0] for _, key in pairs})
    place = {day: number for number, day in enumerate(distinct)}
    position = np.array([place[key[0]] for _, key in pairs])
    factor = flat_discount_factors(valuation_date=today, dates=distinct, rate=rate.decimal)[position]
    years = np.array([maturity_years(today, day) for day in distinct])[position]
    zero = np.zeros(len(pairs))
    prices = [market.prices[unit] for unit, _ in pairs]
    useful = np.array([_use(market, unit, key[0]) for unit, key in pairs])
    forward = forward_price_cny_per_t(
        spot_cny_per_t=useful * np.array([to_float(price.price_cny_per_t) for price in prices]),
        rate=np.full(len(pairs), to_float(rate.decimal)),
        carry_spread=zero,
        convenience_yield=zero,
        maturity_years=years,
    )
    return [
        Forward(
            spot=price, point=None, curves_digest="", convenience_yield=None, forward_per_t=forward_cny,
            discount_factor=discount, cny_per_unit=1.0, shown_cny_per_t=to_decimal(forward_cny, places=4),
            level=_CARRIED_LEVEL, is_sample=price.is_sample,
        )
        for price, forward_cny, discount in zip(prices, forward.tolist(), factor.tolist(), strict=True)
    ]  # fmt: skip


def _use(market: LineMarket, unit: Unit, delivery_date: date) -> float:
    """Give 0 where delivery after a vintage's last usable date brings units that are worth nothing, else 1."""
    return 0.0 if market.past_use(unit, delivery_date) else 1.0


def _learn_on_curves(
    market: LineMarket, missing: _Missing, forwards: ForwardMarket, unpriced: Mapping[Unit, CarbonFinError]
) -> _Errors:
    """Have the market know what forwards rest on by their points of the curves."""
    points = {point.terms: point for point in forwards.points}
    gaps = {gap.item: gap for gap in forwards.gaps}
    errors: _Errors = {}
    for (unit, key), line in missing.items():
        point = points.get(ForwardTerms.of(line))
        if point is None:
            errors[unit, key] = _gap(gaps.get(line.line_id), market.snapshot.valuation_date)
        elif point.forward_per_t is None and unit not in market.prices:
            errors[unit, key] = unpriced[unit]
        else:
            market.forwards.setdefault(unit, {})[key] = _on_curves(market, line, point, forwards.set_digest)
    return errors


def _on_curves(market: LineMarket, line: PortfolioLine, point: ForwardPoint, digest: str) -> Forward:
    """Give F off the futures curve, or S exp(-y T) / D of spot's currency; in the currency of the agreed price."""
    assert line.delivery_date is not None, "a sound forward has a delivery"
    use = _use(market, line.unit, line.delivery_date)
    spot, yielded = None, None
    if point.forward_per_t is not None:
        forward = to_float(point.forward_per_t) * use
    else:
        assert point.carry_factor is not None, "without a futures curve spot is carried"
        spot = market.prices[line.unit]
        yielded = market.snapshot.find_parameter(CONVENIENCE_YIELD, scope=line.unit.scheme)
        forward = carried_forward_per_t(
            spot_per_t=use * to_float(spot.price_cny_per_t),
            discount_factor=to_float(point.carry_factor),
            convenience_yield=0.0 if yielded is None else to_float(yielded.decimal),
            maturity_years=to_float(point.years),
        )
    forward *= to_float(point.fx_forward)
    rate = to_float(point.cny_per_unit)
    is_listed = spot is None and not point.is_extrapolated
    return Forward(
        spot=spot,
        point=point,
        curves_digest=digest,
        convenience_yield=yielded,
        forward_per_t=forward,
        discount_factor=to_float(point.discount_factor),
        cny_per_unit=rate,
        shown_cny_per_t=to_decimal(forward * rate, places=4),
        level=_LISTED_LEVEL if is_listed else _CARRIED_LEVEL,
        is_sample=point.is_sample or (spot is not None and spot.is_sample),
        provisional_after=point.provisional_after,
    )


def _gap(gap: Failure | None, valuation_date: date) -> MissingData:
    if gap is not None:
        return MissingData(gap.detail, zh=gap.zh, field=gap.field, remedy=gap.remedy, remedy_zh=gap.remedy_zh)
    return MissingData(
        f"no curve of {valuation_date} was taken with this book",
        zh=f"本次估值未取 {valuation_date} 的曲线",
        field="currency",
        remedy="Value the book on the stored curves of the day.",
        remedy_zh="请按当日已存曲线估值。",
    )


def _no_flat_rate_in(line: PortfolioLine) -> InvalidInput:
    return InvalidInput(
        f"the flat rate is of CNY; the agreed price of {line.line_id} is in {line.currency}",
        zh=f"平坦利率仅适用于人民币；{line.line_id} 的约定价格币种为 {line.currency}",
        field="currency",
        remedy="Value it on curves: withdraw the choice of a flat rate.",
        remedy_zh="请改按曲线估值（撤销平坦利率的选用）。",
    )


def _delivered(line: PortfolioLine, valuation_date: date) -> InvalidInput:
    return InvalidInput(
        f"forward {line.line_id} was to be delivered on {line.delivery_date}, not after {valuation_date}",
        zh=f"远期 {line.line_id} 的交割日 {line.delivery_date} 不晚于估值日 {valuation_date}",
        field="delivery_date",
        remedy="Enter what was delivered as a holding.",
        remedy_zh="已交割的请录为现货持有。",
    )
