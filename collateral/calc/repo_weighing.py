"""One event of a repo weighed: what passes, the terms after it, and every reason against it, with its trace."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import cny
from carbonfin.rules.record import DecisionKind
from collateral.calc import repo_event_endings as endings
from collateral.calc import repo_event_life as life
from collateral.calc.book_limits import BookFindings, book_findings
from collateral.calc.close_out import RepoSide
from collateral.calc.coverage import PriceUsed
from collateral.calc.figures import FigureList
from collateral.calc.refusals import Refusal
from collateral.calc.repo import RepoTerms
from collateral.calc.repo_event_values import (
    Happening,
    RepoEventInputs,
    RepoEventKind,
    RepoEventOutcome,
    UnitMove,
    path_of,
)
from collateral.calc.schedule_verdicts import schedule_refusals

_Weigh = Callable[[RepoEventInputs, FigureList], Happening]
_WEIGHED: Mapping[RepoEventKind, _Weigh] = MappingProxyType(
    {
        RepoEventKind.REPRICE: life.weigh_reprice,
        RepoEventKind.RATE: life.weigh_rate,
        RepoEventKind.ADJUST: life.weigh_adjust,
        RepoEventKind.SUBSTITUTE: life.weigh_substitute,
        RepoEventKind.ROLL: life.weigh_roll,
        RepoEventKind.TERMINATE: life.weigh_terminate,
        RepoEventKind.SETTLE: endings.weigh_settle,
        RepoEventKind.FAIL: endings.weigh_fail,
        RepoEventKind.DELIVER: endings.weigh_deliver,
        RepoEventKind.MINI_CLOSE_OUT: endings.weigh_mini_close_out,
        RepoEventKind.DEFAULT: endings.weigh_default,
        RepoEventKind.CLOSE_OUT: endings.weigh_close_out,
    }
)
_QUANTITIES = MappingProxyType({RepoEventKind.SUBSTITUTE: "units_in", RepoEventKind.ADJUST: "units_needed"})
"""Figure of the tonnes after an event; elsewhere they stay what they are."""


def decide_repo_event(inputs: RepoEventInputs) -> RepoEventOutcome:
    """Weigh an event of a repo.

    Raises:
        Conflict: The state of the repo has no such edge.
        InvalidInput: The event does not fit the terms: outside the repo's days, or the unit that is there already.
        MissingData: A price, a haircut or evidence of value is missing.
    """
    edges, state_after = path_of(inputs.asked.kind, inputs.state)
    figures = FigureList()
    found = _WEIGHED[inputs.asked.kind](inputs, figures)
    short = tuple(refusal for move in found.moves if (refusal := _short_of(inputs, move, figures)) is not None)
    not_admitted = _not_admitted(inputs, found.moves)
    book = _book(inputs, found, figures)
    return RepoEventOutcome(
        edges=edges, state_after=state_after, terms=found.terms, margin_cash_amount=found.margin_cash_amount,
        cash_to_buyer_amount=found.cash_to_buyer_amount, moves=found.moves, closing=found.closing,
        refusals=(*found.refusals, *short, *not_admitted, *(book.refusals if book else ())),
        unconfirmed=figures.unconfirmed(), trace=figures.trace(), book=book,
    )  # fmt: skip


def _not_admitted(inputs: RepoEventInputs, moves: Sequence[UnitMove]) -> list[Refusal]:
    """Give what the bank's schedules have against units that come in, or that a roll keeps for a new term."""
    coming = {move.unit for move in moves if move.to is RepoSide.BUYER}
    if inputs.asked.kind is RepoEventKind.ROLL:
        coming.add(inputs.terms.unit)
    asked = inputs.schedules
    if asked is None or inputs.haircut is None:
        return []
    assets = tuple(one for one in asked.assets if one.unit in coming)
    ratio = life.terms_counted(inputs, inputs.haircut).haircut_used(inputs.haircut)
    return schedule_refusals(replace(asked, assets=assets), dict.fromkeys(coming, ratio), on=inputs.on)


def _book(inputs: RepoEventInputs, found: Happening, figures: FigureList) -> BookFindings | None:
    """Hold what stands behind the repo after the event against the limits; a roll takes it in anew."""
    if inputs.book is None or inputs.price is None:
        return None
    names = [_QUANTITIES.get(inputs.asked.kind, "quantity"), "price"]
    if inputs.margin_units_t:
        label = ("保证金配额", "Margin in units")
        names.append(figures.fact("margin_units", label, inputs.margin_units_t, "t", f"回购 {inputs.terms.code}"))
    is_same = found.terms.unit == inputs.terms.unit
    price_before = inputs.price if is_same else inputs.price_out
    before = {} if inputs.asked.kind is RepoEventKind.ROLL else _value(inputs, inputs.terms, price_before)
    after = _value(inputs, found.terms, inputs.price)
    return book_findings(
        inputs.book, before=before, after=after, figures=figures, made_of=names, asked="this repo"
    )  # fmt: skip


def _value(inputs: RepoEventInputs, terms: RepoTerms, price: PriceUsed | None) -> dict[Unit, Decimal]:
    """Give the market value of terms' units and the margin's; nothing without a price, which favours nobody."""
    if price is None:
        return {}
    return {terms.unit: cny((terms.quantity_t + inputs.margin_units_t) * price.price_cny_per_t)}


def _short_of(inputs: RepoEventInputs, move: UnitMove, figures: FigureList) -> Refusal | None:
    giver = RepoSide.SELLER if move.to is RepoSide.BUYER else RepoSide.BUYER
    free_t = sum(one.free_t for one in inputs.facts.held if (one.side, one.unit) == (giver, move.unit))
    name = endings.SIDES_ZH[giver]
    figures.fact(
        f"free_{giver}_{move.unit}",
        (f"{name}可用 {move.unit}", f"{move.unit} free with the {giver}"),
        free_t,
        "t",
        "台账",
    )
    if free_t >= move.quantity_t:
        return None
    return Refusal(
        code="units_short",
        detail=f"the {giver} is to give {move.quantity_t} t of {move.unit} and has {free_t} t free",
        zh=f"{name}须交付 {move.unit} {move.quantity_t} 吨，可用 {free_t} 吨",
    )


REPO_EVENT = DecisionKind(
    name="collateral.repo_event",
    version="1",
    inputs=RepoEventInputs,
    outputs=RepoEventOutcome,
    decide=decide_repo_event,
)
