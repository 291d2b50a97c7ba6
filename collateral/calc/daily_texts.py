"""The canonical texts of many agreements' days, written without building ten thousand traces.

Agreements of one shape (the same units, sources and kinds of date) differ in their numbers only. The first of a shape
is decided in full, and its text is the pattern for the others: labels, formulas and sources stand, numbers are put in.
A replay makes each decision the long way and compares every byte, so a pattern that were wrong would be found.
"""

import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from carbonfin.kernel.units import Money
from carbonfin.rules.record import canonical_json
from collateral.calc.daily_margin import AgreedMargin, DailyInputs, HeldLine, Struck
from collateral.calc.daily_traces import decide_daily_margin, figure_names, figure_texts
from collateral.calc.margin import Rounding
from collateral.calc.surrender import SafeDate

_VALUE = ',"value":"'


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTexts:
    """One agreement's day: its numbers, and the texts a decision is recorded with."""

    inputs: DailyInputs
    struck: Struck
    inputs_text: str
    outputs_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    """The trace of one shape: what stands between the values that differ, and which of the texts stand there."""

    between: tuple[str, ...]
    places: tuple[int, ...]

    def filled(self, texts: Sequence[str]) -> str:
        """Give the trace with one agreement's values."""
        parts = [""] * (2 * len(self.places) + 1)
        parts[::2] = self.between
        parts[1::2] = [texts[place] for place in self.places]
        return "".join(parts)


class DayWriter:
    """Writes the days of many agreements; keeps one pattern for each shape."""

    def __init__(self) -> None:
        self._patterns: dict[Hashable, _Pattern] = {}
        self._by_identity: dict[int, tuple[object, str]] = {}

    def write(self, inputs: DailyInputs, struck: Struck) -> DayTexts:
        """Write one agreement's day, as it was struck, the way `canonical_json` would."""
        shape = _shape(inputs, struck)
        pattern = self._patterns.get(shape)
        if pattern is None:
            pattern = self._patterns[shape] = _pattern_of(inputs, struck)
        return DayTexts(
            inputs=inputs, struck=struck, inputs_text=self._inputs_text(inputs),
            outputs_text=self._outputs_text(inputs, struck, pattern),
        )  # fmt: skip

    def _inputs_text(self, inputs: DailyInputs) -> str:
        debt, margin = inputs.debt, inputs.margin
        return (
            f'{{"agreed":{self._agreed_text(inputs.agreed)},"agreement_code":{_text(inputs.agreement_code)},'
            f'"candidates":{self._lines_text(inputs.candidates)},'
            f'"debt":{{"accrued_cny":"{debt.accrued_cny:f}","costs_cny":"{debt.costs_cny:f}",'
            f'"exposure_date":"{debt.exposure_date.isoformat()}","principal_cny":"{debt.principal_cny:f}",'
            f'"source":{_text(debt.source)}}},"ends":{self._kept_text(inputs.ends)},'
            f'"facts_id":{_text(inputs.facts_id)},"lines":{self._lines_text(inputs.lines)},'
            f'"margin":{{"delivery_in_transit_cny":"{margin.delivery_in_transit_cny:f}",'
            f'"held_cny":"{margin.held_cny:f}","return_in_transit_cny":"{margin.return_in_transit_cny:f}"}},'
            f'"unconfirmed":{self._kept_text(inputs.unconfirmed)},"valuation_date":"{inputs.valuation_date.isoformat()}"}}'
        )

    def _outputs_text(self, inputs: DailyInputs, struck: Struck, pattern: _Pattern) -> str:
        trace = pattern.filled(figure_texts(inputs, struck))
        valuation = struck.valuation
        coverage = "null" if valuation.coverage_ratio is None else f'"{valuation.coverage_ratio:f}"'
        lines = ",".join(
            [
                f'{{"collateral_value_cny":"{one.collateral_value_cny:f}","haircut_ratio":"{one.haircut_ratio:f}",'
                f'"market_value_cny":"{one.market_value_cny:f}","price_cny_per_t":"{one.price_cny_per_t:f}",'
                f'"quantity_t":{one.quantity_t},"unit":{self._kept_text(one.unit)}}}'
                for one in valuation.lines
            ]
        )
        top_ups = ",".join(
            [
                f'{{"free_t":{one.free_t},"is_sufficient":{"true" if one.is_sufficient else "false"},'
                f'"quantity_t":{one.quantity_t},"unit":{self._kept_text(one.unit)}}}'
                for one in struck.top_ups
            ]
        )
        return (
            f'{{"cash_to_initial_cny":"{struck.cash_to_initial_cny:f}","closeout_days":{struck.closeout_days},'
            f'"delivery_cny":"{struck.delivery_cny:f}","return_cny":"{struck.return_cny:f}",'
            f'"safe_date":{self._safe_text(struck.safe_date)},"shortfall_cny":"{struck.shortfall_cny:f}",'
            f'"top_ups":[{top_ups}],"trace":[{trace}],"unconfirmed":{self._kept_text(inputs.unconfirmed)},'
            f'"valuation":{{"collateral_value_cny":"{valuation.collateral_value_cny:f}","coverage_ratio":{coverage},'
            f'"debt_cny":"{valuation.debt_cny:f}","level":"{valuation.level.value}","lines":[{lines}],'
            f'"ltv_ratio":"{valuation.ltv_ratio:f}","market_value_cny":"{valuation.market_value_cny:f}"}}}}'
        )

    def _agreed_text(self, agreed: AgreedMargin) -> str:
        found = self._by_identity.get(id(agreed))
        if found is None or found[0] is not agreed:
            found = self._by_identity[id(agreed)] = (agreed, _agreed_text(agreed))
        return found[1]

    def _lines_text(self, lines: Iterable[HeldLine]) -> str:
        return (
            "["
            + ",".join(
                [
                    f'{{{_attached_text(one)}"priced":{self._kept_text(one.priced)},"quantity_t":{one.quantity_t}{_unlisted_text(one)}}}'
                    for one in lines
                ]
            )
            + "]"
        )

    def _safe_text(self, safe: SafeDate) -> str:
        day = "null" if safe.day is None else f'"{safe.day.isoformat()}"'
        unit = "null" if safe.unit is None else self._kept_text(safe.unit)
        return f'{{"day":{day},"kind":"{safe.kind.value}","unit":{unit}}}'

    def _kept_text(self, shared: object) -> str:
        """Give the text of a value that many agreements share; the value is kept, so its identity stays its own."""
        found = self._by_identity.get(id(shared))
        if found is not None and found[0] is shared:
            return found[1]
        text = canonical_json(shared)
        self._by_identity[id(shared)] = (shared, text)
        return text


def _shape(inputs: DailyInputs, struck: Struck) -> Hashable:
    """Give what must be the same for two traces to differ in values alone."""
    return (
        tuple([one.priced.unit for one in inputs.lines]),
        tuple([(one.attached_t is not None, one.unlisted_t is not None) for one in inputs.lines]),
        tuple([one.priced.policy for one in inputs.lines]),
        tuple([one.priced.policy for one in inputs.candidates]) if struck.top_ups else (),
        tuple([one.unit for one in struck.top_ups]),
        tuple([one.kind for one in struck.safe_dates]),
        struck.safe_date.kind,
        inputs.facts_id,
        inputs.debt.source,
        inputs.debt.exposure_date,
        inputs.agreed.lines_source,
        inputs.agreed.terms_source,
        inputs.unconfirmed,
    )


def _pattern_of(inputs: DailyInputs, struck: Struck) -> _Pattern:
    place_of = {name: place for place, name in enumerate(figure_names(inputs, struck))}
    between, places, written = [], [], ""
    for number, figure in enumerate(decide_daily_margin(inputs).trace):
        before, _, after = canonical_json(figure).rpartition(_VALUE)
        assert after == f'{figure.value}"}}', f"the value of {figure.name} is not written last and plainly"
        written += f"{',' if number else ''}{before}{_VALUE}"
        if figure.name in place_of:
            between.append(written)
            places.append(place_of[figure.name])
            written = '"}'
        else:
            written += after
    return _Pattern(between=(*between, written), places=tuple(places))


def _attached_text(line: HeldLine) -> str:
    return "" if line.attached_t is None else f'"attached_t":{line.attached_t},'


def _unlisted_text(line: HeldLine) -> str:
    return "" if line.unlisted_t is None else f',"unlisted_t":{line.unlisted_t}'


def _agreed_text(agreed: AgreedMargin) -> str:
    terms = agreed.margin
    threshold = terms.threshold
    return (
        f'{{"disposal_ratio":"{agreed.disposal_ratio:f}","independent_cny":"{agreed.independent_cny:f}",'
        f'"initial_ratio":"{agreed.initial_ratio:f}","lines_source":{_text(agreed.lines_source)},'
        f'"margin":{{"delivery_rounding":{_rounding_text(terms.delivery_rounding)},'
        f'"minimum_transfer":{_money_text(terms.minimum_transfer)},'
        f'"return_rounding":{_rounding_text(terms.return_rounding)},'
        f'"threshold":{_money_text(threshold) if isinstance(threshold, Money) else _text(threshold)}}},'
        f'"terms_source":{_text(agreed.terms_source)},"warning_ratio":"{agreed.warning_ratio:f}"}}'
    )


def _rounding_text(rounding: Rounding) -> str:
    return f'{{"direction":"{rounding.direction.value}","multiple":{_money_text(rounding.multiple)}}}'


def _money_text(money: Money) -> str:
    return f'{{"currency":"{money.currency.value}","minor":{money.minor}}}'


_text: Callable[[str], str] = json.JSONEncoder(ensure_ascii=False).encode
