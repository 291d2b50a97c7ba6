"""The events of one loan of the contract standard, in their order."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.actus.cycles import cycle_of, keeps_month_end, schedule, shifted, year_fraction
from loans.calc.contracts.actus.terms import ContractTerms, UnsupportedTerm

BEYOND = "beyond"  # a payment an annuity is reckoned with, past the end of the contract; never listed
ORDER = ("IED", "PR", "IP", "IPCI", "RRF", "RR", "PRF", "SC", "IPCB", "PRD", "TD", "MD", BEYOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: when it is listed, when it is calculated, and its kind by the standard's abbreviation."""

    day: datetime
    calculated: datetime
    kind: str

    def key(self) -> tuple[datetime, int]:
        """Give its place among the others."""
        return self.day, ORDER.index(self.kind)


def maturity_of(terms: ContractTerms) -> datetime:
    """Give the maturity, from the redemptions where none is stated.

    Raises:
        InvalidInput: Neither it nor redemptions that repay the loan are stated.
    """
    if terms.maturity is not None:
        return terms.maturity
    if terms.kind == "ANN" and terms.amortised is not None:
        return terms.amortised
    anchor, level, text = terms.principal_anchor, terms.level, terms.principal_cycle
    if terms.kind == "PAM" or anchor is None or level is None or text is None:
        raise InvalidInput("the terms state no maturity", zh="合约条款缺少到期日", field="maturityDate")
    cycle, to_month_end = cycle_of(text), keeps_month_end(anchor, terms.end_of_month)
    if terms.kind == "LAM":
        payments = max(math.ceil(terms.notional / level), 1)
        return cycle.after(anchor, payments - 1, end_of_month=to_month_end)
    before = cycle.after(anchor, -1, end_of_month=to_month_end)
    first = level - terms.notional * (terms.rate or 0.0) * year_fraction(terms.day_count, before, anchor)
    if first <= 0:
        raise InvalidInput("the payments never repay the loan", zh="还款额不足以偿还本金", field="maturityDate")
    return cycle.after(anchor, math.ceil(terms.notional / first) - 1, end_of_month=to_month_end)


def redemptions(terms: ContractTerms, end: datetime) -> list[datetime]:
    """Give the days principal is repaid on before an end."""
    if terms.kind == "PAM" or terms.principal_cycle is None:
        return []
    anchor = terms.principal_anchor or _next(terms.start, terms.principal_cycle, terms.end_of_month)
    return schedule(anchor, terms.principal_cycle, end, end_of_month=terms.end_of_month, with_end=False)


def events_of(terms: ContractTerms) -> list[Event]:
    """Give all events from the status day on, in order; those of a schedule are moved to business days."""
    maturity = maturity_of(terms)
    repaid = redemptions(terms, maturity)
    moved = [("PR", day) for day in repaid]
    moved += _interest(terms, maturity)
    resets = [] if terms.reset_anchor is None else _on_cycle(terms, terms.reset_anchor, terms.reset_cycle, maturity)
    first_reset = next((day for day in resets if day >= terms.status), None)
    for day in resets:
        kind = "RRF" if terms.next_rate is not None and day == first_reset else "RR"
        moved.append((kind, day))
        if terms.kind == "ANN":
            moved.append(("PRF", day))
    if terms.scaling_anchor is not None and terms.scaling_effect.strip("0O"):
        moved += [("SC", day) for day in _on_cycle(terms, terms.scaling_anchor, terms.scaling_cycle, maturity)]
    if terms.base == "NTL" and terms.base_anchor is not None:
        moved += [("IPCB", day) for day in _on_cycle(terms, terms.base_anchor, terms.base_cycle, maturity)]
    events = [_moved(terms, kind, day, maturity) for kind, day in moved]
    fixed = [("IED", terms.start), ("PRD", terms.purchase), ("TD", terms.termination), ("MD", maturity)]
    if terms.kind == "ANN" and terms.level is None and repaid and repaid[0] > terms.start:
        fixed.append(("PRF", repaid[0] - timedelta(days=1)))
    if outlives(terms) and terms.amortised is not None:
        later = (day for day in redemptions(terms, terms.amortised) if day >= maturity)
        fixed += [(BEYOND, day) for day in (*later, terms.amortised)]
    events += [Event(day=day, calculated=day, kind=kind) for kind, day in fixed if day is not None]
    lives = [event for event in events if event.day >= max(terms.status, terms.start)]
    return sorted(lives, key=Event.key)


def outlives(terms: ContractTerms) -> bool:
    """Whether an annuity is set over a longer life than the contract's, which then ends with the rest."""
    return (
        terms.kind == "ANN"
        and terms.maturity is not None
        and terms.amortised is not None
        and terms.amortised > terms.maturity
    )


def last_interest_before(terms: ContractTerms, instant: datetime) -> datetime | None:
    """Give the last interest day before an instant, where a cycle is stated."""
    days = [day for _, day in _interest(terms, maturity_of(terms)) if day < instant]
    return max(days, default=None)


def _interest(terms: ContractTerms, maturity: datetime) -> list[tuple[str, datetime]]:
    if terms.rate is None:
        return []
    until = terms.capitalise_until
    anchor, text = terms.interest_anchor, terms.interest_cycle
    if anchor is None and text is not None:
        anchor = _next(terms.start, text, terms.end_of_month)
    if anchor is None:
        days = [maturity]
    else:
        days = schedule(anchor, text, maturity, end_of_month=terms.end_of_month, with_end=True)
    if until is None:
        return [("IP", day) for day in days]
    capitalised = sorted({*(day for day in days if day < until), until})
    return [*(("IPCI", day) for day in capitalised), *(("IP", day) for day in days if day > until)]


def _on_cycle(terms: ContractTerms, anchor: datetime, text: str | None, maturity: datetime) -> list[datetime]:
    return schedule(anchor, text, maturity, end_of_month=terms.end_of_month, with_end=False)


def _next(start: datetime, text: str, end_of_month: str) -> datetime:
    return cycle_of(text).after(start, 1, end_of_month=keeps_month_end(start, end_of_month))


def _moved(terms: ContractTerms, kind: str, day: datetime, maturity: datetime) -> Event:
    if day == maturity:
        return Event(day=day, calculated=day, kind=kind)
    paid, calculated = shifted(day, terms.business_days, terms.calendar)
    return Event(day=paid, calculated=calculated, kind=kind)


def check_conventions(terms: ContractTerms) -> None:
    """Refuse conventions that are not known: what they do to the events would be a guess."""
    known = (
        ("interestCalculationBase", terms.base, terms.base in ("NT", "NTIED", "NTL")),
        ("endOfMonthConvention", terms.end_of_month, terms.end_of_month in ("SD", "EOM")),
        ("scalingEffect", terms.scaling_effect, set(terms.scaling_effect) <= set("INO0")),
    )
    for name, value, is_known in known:
        if not is_known:
            raise UnsupportedTerm(f"{name} {value}", zh=f"合约条款 {name} 的取值 {value} 不支持", field=name)
