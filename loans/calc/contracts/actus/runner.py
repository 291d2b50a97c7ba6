"""All contracts of a run at once through the event engine, unrounded, and listed as the standard lists them."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from carbonfin.kernel.errors import MissingData
from loans.calc.contracts.actus.cycles import year_fraction
from loans.calc.contracts.actus.schedules import (
    BEYOND,
    Event,
    check_conventions,
    events_of,
    last_interest_before,
    outlives,
    redemptions,
)
from loans.calc.contracts.actus.terms import ContractTerms
from loans.calc.contracts.engine import Act, Events, Loans, RateLimits, Results, run_events
from loans.calc.contracts.money import Amounts, Balance, MoneyRule

UNROUNDED = MoneyRule(balance=Balance.UNROUNDED)
Market = Mapping[str, Sequence[tuple[datetime, float]]]

_ACTS = {
    "IED": Act.DRAW,
    "IP": Act.INTEREST,
    "IPCI": Act.CAPITALISE,
    "RRF": Act.RATE,
    "RR": Act.RESET,
    "PRF": Act.RELEVEL,
    "IPCB": Act.BASE,
    "TD": Act.PRINCIPAL | Act.INTEREST,  # all of it; `REST` would count as one of the payments a level is set for
    "MD": Act.REST | Act.INTEREST,
    BEYOND: Act.INSTALMENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """Terms, the last instant that is listed (None: the maturity), and the observations of its market."""

    terms: ContractTerms
    until: datetime | None
    market: Market


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEvent:
    """One line of a contract's result, amounts signed by its role."""

    day: datetime
    kind: str
    payoff: float
    notional: float
    rate: float
    accrued: float


def run_contracts(contracts: Sequence[Contract]) -> list[list[ListedEvent]]:
    """Run contracts side by side and list each one's events.

    Raises:
        UnsupportedTerm: A convention is not known.
        MissingData: The market of a contract says nothing at or before a day it is asked for.
    """
    for contract in contracts:
        check_conventions(contract.terms)
    scheduled = [events_of(contract.terms) for contract in contracts]
    slots = max(map(len, scheduled), default=0)
    acts = np.zeros((slots, len(contracts)), dtype=np.int16)
    spans, amounts = np.zeros(acts.shape), np.zeros(acts.shape)
    for place, (contract, events) in enumerate(zip(contracts, scheduled, strict=True)):
        before = max(contract.terms.status, contract.terms.start)
        for slot, event in enumerate(events):
            spans[slot, place] = year_fraction(contract.terms.day_count, before, event.calculated)
            acts[slot, place] = int(_act(contract.terms, event))
            amounts[slot, place] = _amount(contract, event)
            before = event.calculated
    results = run_events(_loans(contracts), Events(acts=acts, spans=spans, amounts=amounts), UNROUNDED)
    return [_listed(contract, scheduled[place], results, place) for place, contract in enumerate(contracts)]


def _act(terms: ContractTerms, event: Event) -> Act:
    if event.kind == "PR":
        return Act.PRINCIPAL if terms.kind == "LAM" else Act.INSTALMENT
    if event.kind == "MD" and outlives(terms):
        return _ACTS["TD"]
    if event.kind == "IED" and _is_due_at_once(terms):
        return Act.DRAW | Act.RELEVEL
    return _ACTS.get(event.kind, Act(0))


def _is_due_at_once(terms: ContractTerms) -> bool:
    """Whether an annuity's first payment falls on the day it is drawn: its level is set then, and no event says so."""
    return terms.kind == "ANN" and terms.level is None and terms.principal_anchor == terms.start


def _amount(contract: Contract, event: Event) -> float:
    terms = contract.terms
    if event.kind == "IED":
        return terms.notional
    if event.kind in ("TD", "MD"):
        return math.inf
    if event.kind == "PR" and terms.kind == "LAM":
        return _linear_part(terms)
    if event.kind == "RRF" and terms.next_rate is not None:
        return terms.next_rate
    if event.kind == "RR":
        # The standard's fixing lag is not applied: its results observe on the day of the reset.
        return _observed(contract, terms.reset_market, event.calculated) * terms.multiplier + terms.spread
    return 0.0


def _linear_part(terms: ContractTerms) -> float:
    if terms.level is not None:
        return terms.level
    assert terms.maturity is not None, "without a level the maturity is needed, and was asked for"
    return terms.notional / (len(redemptions(terms, terms.maturity)) + 1)


def _observed(contract: Contract, code: str | None, instant: datetime) -> float:
    series = sorted(contract.market.get(code or "", ()))
    place = bisect_right([day for day, _ in series], instant)
    if not place:
        raise MissingData(
            f"no observation of {code} at or before {instant}", zh=f"{instant} 及以前无 {code} 观测值", field="market"
        )
    return series[place - 1][1]


def _loans(contracts: Sequence[Contract]) -> Loans:
    terms = [contract.terms for contract in contracts]
    zeros = np.zeros(len(terms))
    running = np.array([part.start < part.status for part in terms], dtype=bool)
    notional = np.array([part.notional for part in terms])
    frozen = np.array([part.base == "NTL" for part in terms], dtype=bool)
    base = None
    if frozen.any():
        base = np.array([part.notional if part.base_amount is None else part.base_amount for part in terms])
    return Loans(
        balance=np.where(running, notional, 0.0),
        rate=np.array([part.rate or 0.0 for part in terms]),
        year=zeros + 1,
        level=np.array([part.level or 0.0 for part in terms]),
        accrued=np.array([_accrued(part) for part in terms]),
        limits=_limits(terms),
        frozen_base=base,
        frozen=frozen if base is not None else None,
        may_grow=True,
    )


def _accrued(terms: ContractTerms) -> float:
    """Give the interest accrued where the run starts: as stated, or since the last interest day before."""
    if terms.accrued is not None or terms.rate is None:
        return terms.accrued or 0.0
    if terms.start < terms.status:
        since, until = last_interest_before(terms, terms.status), terms.status
    else:
        since, until = terms.interest_anchor, terms.start
    if since is None or since >= until:
        return 0.0
    return year_fraction(terms.day_count, since, until) * terms.notional * terms.rate


def _limits(terms: Sequence[ContractTerms]) -> RateLimits:
    def of(values: Sequence[float | None], absent: float) -> Amounts:
        return np.array([absent if value is None else value for value in values])

    return RateLimits(
        period_floor=-np.abs(of([part.period_floor for part in terms], np.inf)),
        period_cap=of([part.period_cap for part in terms], np.inf),
        life_floor=of([part.life_floor for part in terms], -np.inf),
        life_cap=of([part.life_cap for part in terms], np.inf),
    )


def _listed(contract: Contract, events: list[Event], results: Results, place: int) -> list[ListedEvent]:
    terms = contract.terms
    listed: list[ListedEvent] = []
    notional_scaling, interest_scaling = terms.notional_scaling, terms.interest_scaling
    for slot, event in enumerate(events):
        if event.kind == "SC":
            ratio = _observed(contract, terms.scaling_market, event.calculated) / terms.scaling_base
            interest_scaling = ratio if "I" in terms.scaling_effect else interest_scaling
            notional_scaling = ratio if "N" in terms.scaling_effect else notional_scaling
        interest, principal = float(results.interest[slot, place]), float(results.principal[slot, place])
        accrued = float(results.accrued[slot, place])
        paid = 0.0
        if event.kind == "IED":
            paid = -(terms.notional + terms.premium)
        elif event.kind == "PRD":
            # The accrued part keeps the lender's sign for a borrower too: the standard's results have it so.
            paid = -terms.purchase_price - terms.role * accrued
        elif event.kind == "TD":
            paid = terms.termination_price + terms.role * interest
        elif event.kind in ("PR", "IP", "MD"):
            paid = notional_scaling * principal + interest_scaling * interest
        listed.append(
            ListedEvent(
                day=event.day,
                kind=event.kind,
                payoff=terms.role * paid,
                notional=terms.role * float(results.balance[slot, place]),
                rate=float(results.rate[slot, place]),
                accrued=terms.role * accrued,
            )
        )
        if event.kind in ("MD", "TD"):
            break
    first, last = terms.purchase or terms.status, contract.until
    return [event for event in listed if event.day >= first and (last is None or event.day <= last)]
