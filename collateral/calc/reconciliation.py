"""Reconciliation (对账): our ledger against what the registry states, by account, unit, agreement and serial range."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.figures import FigureList
from collateral.calc.serials import Ranges, SerialRange, beyond, merged


class DifferenceKind(StrEnum):
    """In what ledger and registry differ.

    LOCKED_NOT_FROZEN: less is frozen there than is locked here (locked here implies frozen there: broken). UNANSWERED:
    a request is under way; either answer would be right. FROZEN_NOT_BOUND: more is frozen there than is bound here.
    HOLDING: the total held is stated otherwise. Of units with numbers, by range: SERIALS_NOT_FROZEN: locked here and
    not frozen there (broken, whatever the tonnes). SERIALS_NOT_BOUND: frozen there and not bound here.
    SERIALS_NOT_HELD: held here and not stated there. SERIALS_NOT_KNOWN: stated there and not held here.
    """

    LOCKED_NOT_FROZEN = "locked_not_frozen"
    SERIALS_NOT_FROZEN = "serials_not_frozen"
    FROZEN_NOT_BOUND = "frozen_not_bound"
    SERIALS_NOT_BOUND = "serials_not_bound"
    UNANSWERED = "unanswered"
    HOLDING = "holding"
    SERIALS_NOT_HELD = "serials_not_held"
    SERIALS_NOT_KNOWN = "serials_not_known"


BROKEN = frozenset({DifferenceKind.LOCKED_NOT_FROZEN, DifferenceKind.SERIALS_NOT_FROZEN})
"""What is locked here and not frozen there."""

NAMES: dict[DifferenceKind, tuple[str, str]] = {
    DifferenceKind.LOCKED_NOT_FROZEN: ("台账已锁定，登记机构未足额冻结", "Locked here, not frozen in full there"),
    DifferenceKind.FROZEN_NOT_BOUND: ("登记机构冻结多于台账占用", "Frozen there beyond what is bound here"),
    DifferenceKind.UNANSWERED: ("申请在途，结果未定", "Request under way, its end not known"),
    DifferenceKind.HOLDING: ("持有量不一致", "Holdings differ"),
    DifferenceKind.SERIALS_NOT_FROZEN: ("台账已锁定的序号，登记机构未冻结", "Numbers locked here, not frozen there"),
    DifferenceKind.SERIALS_NOT_BOUND: ("登记机构冻结的序号，台账未占用", "Numbers frozen there, not bound here"),
    DifferenceKind.SERIALS_NOT_HELD: ("台账持有的序号，登记机构未列示", "Numbers held here, not stated there"),
    DifferenceKind.SERIALS_NOT_KNOWN: ("登记机构列示的序号，台账未登记", "Numbers stated there, not held here"),
}
REMEDIES: dict[DifferenceKind, tuple[str, str]] = {
    DifferenceKind.LOCKED_NOT_FROZEN: (
        "停止放款，向登记机构核实并申请补冻结。",
        "Stop drawdown, clarify with the registry and have the missing units frozen.",
    ),
    DifferenceKind.FROZEN_NOT_BOUND: (
        "核对合同；属本行多冻的申请解冻，属司法冻结的登记占用。",
        "Check the agreement; have our own excess unfrozen, or record the authority's freeze.",
    ),
    DifferenceKind.UNANSWERED: (
        "运行登记同步查询结果；未得答复前不作废、不释放。",
        "Run registry-sync to ask; void and release nothing before an answer.",
    ),
    DifferenceKind.HOLDING: (
        "取得登记机构持仓证明，按证明补记持有量变动。",
        "Obtain the registry's statement and record the change of holding it proves.",
    ),
    DifferenceKind.SERIALS_NOT_FROZEN: (
        "停止放款，向登记机构核实所冻结的序号，并按台账序号补冻结。",
        "Stop drawdown, ask the registry which numbers it froze, and have those of the ledger frozen.",
    ),
    DifferenceKind.SERIALS_NOT_BOUND: (
        "核对冻结回执；属本行冻结的更正序号，属司法冻结的登记占用。",
        "Check the confirmation of the freeze; correct the numbers, or record the authority's freeze.",
    ),
    DifferenceKind.SERIALS_NOT_HELD: (
        "取得登记机构序号证明，按证明更正持有序号。",
        "Obtain the registry's list of numbers and correct the holding by it.",
    ),
    DifferenceKind.SERIALS_NOT_KNOWN: (
        "取得登记机构序号证明，按证明补记持有序号。",
        "Obtain the registry's list of numbers and record the holding by it.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerBinding:
    """What our ledger binds for one agreement on one account: locked for good, or asked and not answered.

    Attributes:
        serials: The numbers it binds; None where it knows none.
    """

    account_id: str
    unit: str
    agreement_code: str
    locked_t: int
    asked_t: int
    serials: tuple[str, ...] | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedFreeze:
    """What the registry states as frozen for one agreement on one account; its numbers None where it names none."""

    account_id: str
    unit: str
    agreement_code: str
    quantity_t: int
    serials: tuple[str, ...] | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Total of one unit on one account; its numbers None where none are known or named."""

    account_id: str
    unit: str
    quantity_t: int
    serials: tuple[str, ...] | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSince:
    """A difference that an earlier business date left open."""

    key: str
    since: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationInputs:
    """Both sides as of one business date; `stated_holdings` has only what the registry states."""

    business_date: date
    bindings: tuple[LedgerBinding, ...]
    stated_freezes: tuple[StatedFreeze, ...]
    holdings: tuple[Holding, ...]
    stated_holdings: tuple[Holding, ...]
    open_since: tuple[OpenSince, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference; tonnes on both sides.

    Attributes:
        serials: The range it is about, where it is one of numbers; its length stands on the side that has it.
        agreement_code: Empty for a difference of holdings.
        ledger_t: Locked and asked for together, or the total held.
        asked_t: Of these, asked for and not answered.
        since: First business date, without a break, on which it was found.
    """

    kind: DifferenceKind
    account_id: str
    unit: str
    agreement_code: str
    ledger_t: int
    asked_t: int
    registry_t: int
    since: date
    age_days: int
    serials: str | None = field(default=None, metadata=ADDED_LATER)

    @property
    def place(self) -> str:
        """The unit, with the serial range where it is about one."""
        return self.unit if self.serials is None else f"{self.unit} {self.serials}"

    @property
    def key(self) -> str:
        """What makes it the same difference on another day."""
        return _key(self.kind, (self.account_id, self.unit, self.agreement_code), self.serials)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationOutcome:
    """Every difference, breaches first; `breach_count` counts what is locked here and not frozen there."""

    business_date: date
    compared_count: int
    breach_count: int
    differences: tuple[Difference, ...]
    trace: tuple[Figure, ...]


def freeze_difference(*, locked_t: int, asked_t: int, frozen_t: int) -> DifferenceKind | None:
    """Say in what a freeze differs: frozen must be L where nothing is asked, else lies within L to L + A.

    Args:
        locked_t: L, confirmed by the registry once.
        asked_t: A, reserved or asked to be released, without an answer.
        frozen_t: What the registry states.
    """
    if frozen_t < locked_t:
        return DifferenceKind.LOCKED_NOT_FROZEN
    if frozen_t > locked_t + asked_t:
        return DifferenceKind.FROZEN_NOT_BOUND
    return DifferenceKind.UNANSWERED if asked_t else None


def reconcile(inputs: ReconciliationInputs) -> ReconciliationOutcome:
    """List every difference between ledger and registry, with its age in days."""
    found = sorted(
        (
            *_freeze_differences(inputs),
            *_holding_differences(inputs),
            *_frozen_serials_differences(inputs),
            *_held_serials_differences(inputs),
        ),
        key=lambda one: (
            list(DifferenceKind).index(one.kind), one.since, one.unit, one.agreement_code, one.account_id,
            one.serials or "",
        ),
    )  # fmt: skip
    breach_count = sum(one.kind in BROKEN for one in found)
    bound = {(one.account_id, one.unit, one.agreement_code) for one in inputs.bindings}
    frozen = {(one.account_id, one.unit, one.agreement_code) for one in inputs.stated_freezes}
    compared_count = len(bound | frozen) + len(inputs.stated_holdings)
    return ReconciliationOutcome(
        business_date=inputs.business_date,
        compared_count=compared_count,
        breach_count=breach_count,
        differences=tuple(found),
        trace=_trace(found, compared_count),
    )


def _freeze_differences(inputs: ReconciliationInputs) -> Iterator[Difference]:
    locked = _sums((one.account_id, one.unit, one.agreement_code, one.locked_t) for one in inputs.bindings)
    asked = _sums((one.account_id, one.unit, one.agreement_code, one.asked_t) for one in inputs.bindings)
    frozen = _sums((one.account_id, one.unit, one.agreement_code, one.quantity_t) for one in inputs.stated_freezes)
    for place in sorted({*locked, *frozen}):
        locked_t, asked_t, frozen_t = locked.get(place, 0), asked.get(place, 0), frozen.get(place, 0)
        kind = freeze_difference(locked_t=locked_t, asked_t=asked_t, frozen_t=frozen_t)
        if kind is not None:
            yield _difference(
                inputs, kind, place, ledger_t=locked_t + asked_t, asked_t=asked_t, registry_t=frozen_t
            )  # fmt: skip


def _holding_differences(inputs: ReconciliationInputs) -> Iterator[Difference]:
    ours = _sums((one.account_id, one.unit, "", one.quantity_t) for one in inputs.holdings)
    stated = _sums((one.account_id, one.unit, "", one.quantity_t) for one in inputs.stated_holdings)
    for place, stated_t in sorted(stated.items()):
        held_t = ours.get(place, 0)
        if held_t != stated_t:
            yield _difference(
                inputs, DifferenceKind.HOLDING, place, ledger_t=held_t, asked_t=0, registry_t=stated_t
            )  # fmt: skip


def _frozen_serials_differences(inputs: ReconciliationInputs) -> Iterator[Difference]:
    """Compare numbers where the registry names them: all locked ones must be frozen, none beyond those bound."""
    bound = _numbers((one.account_id, one.unit, one.agreement_code, one.serials) for one in inputs.bindings)
    locked = _numbers(
        (one.account_id, one.unit, one.agreement_code, one.serials) for one in inputs.bindings if not one.asked_t
    )
    frozen = _numbers((one.account_id, one.unit, one.agreement_code, one.serials) for one in inputs.stated_freezes)
    for place, stated in sorted(frozen.items()):
        for one in beyond(locked.get(place, ()), stated):
            yield _of_range(inputs, DifferenceKind.SERIALS_NOT_FROZEN, place, one, is_ours=True)
        for one in beyond(stated, bound.get(place, ())):
            yield _of_range(inputs, DifferenceKind.SERIALS_NOT_BOUND, place, one, is_ours=False)


def _held_serials_differences(inputs: ReconciliationInputs) -> Iterator[Difference]:
    held = _numbers((one.account_id, one.unit, "", one.serials) for one in inputs.holdings)
    for place, stated in sorted(
        _numbers((one.account_id, one.unit, "", one.serials) for one in inputs.stated_holdings).items()
    ):
        for one in beyond(held.get(place, ()), stated):
            yield _of_range(inputs, DifferenceKind.SERIALS_NOT_HELD, place, one, is_ours=True)
        for one in beyond(stated, held.get(place, ())):
            yield _of_range(inputs, DifferenceKind.SERIALS_NOT_KNOWN, place, one, is_ours=False)


def _numbers(rows: Iterable[tuple[str, str, str, tuple[str, ...] | None]]) -> dict[tuple[str, str, str], Ranges]:
    found: dict[tuple[str, str, str], list[SerialRange]] = {}
    for account_id, unit, agreement_code, serials in rows:
        if serials is not None:
            found.setdefault((account_id, unit, agreement_code), []).extend(map(SerialRange.parse, serials))
    return {place: merged(ranges) for place, ranges in found.items()}


def _of_range(
    inputs: ReconciliationInputs, kind: DifferenceKind, place: tuple[str, str, str], one: SerialRange, *, is_ours: bool
) -> Difference:
    ledger_t, registry_t = (one.quantity_t, 0) if is_ours else (0, one.quantity_t)
    return _difference(inputs, kind, place, ledger_t=ledger_t, asked_t=0, registry_t=registry_t, serials=str(one))


def _key(kind: DifferenceKind, place: tuple[str, str, str], serials: str | None) -> str:
    account_id, unit, agreement_code = place
    return f"{kind}|{account_id}|{unit}|{agreement_code}{'' if serials is None else '|' + serials}"


def _sums(rows: Iterable[tuple[str, str, str, int]]) -> dict[tuple[str, str, str], int]:
    sums: dict[tuple[str, str, str], int] = {}
    for account_id, unit, agreement_code, quantity_t in rows:
        place = (account_id, unit, agreement_code)
        sums[place] = sums.get(place, 0) + quantity_t
    return sums


def _difference(
    inputs: ReconciliationInputs,
    kind: DifferenceKind,
    place: tuple[str, str, str],
    *,
    ledger_t: int,
    asked_t: int,
    registry_t: int,
    serials: str | None = None,
) -> Difference:
    key = _key(kind, place, serials)
    since = min((one.since for one in inputs.open_since if one.key == key), default=inputs.business_date)
    return Difference(
        kind=kind,
        account_id=place[0],
        unit=place[1],
        agreement_code=place[2],
        ledger_t=ledger_t,
        asked_t=asked_t,
        registry_t=registry_t,
        since=since,
        age_days=(inputs.business_date - since).days,
        serials=serials,
    )


def _trace(found: list[Difference], compared_count: int) -> tuple[Figure, ...]:
    figures = FigureList()
    names = [
        figures.fact("compared", ("已核对项", "Items compared"), compared_count, "count", "台账与登记机构对账单")
    ]  # fmt: skip
    for number, one in enumerate(found, start=1):
        place = f"{one.agreement_code} {one.place}".strip()
        ours = figures.fact(f"ledger_{number}", (f"{place} 台账", f"{place} ledger"), one.ledger_t, "t", "押品台账")
        theirs = figures.fact(
            f"registry_{number}", (f"{place} 登记机构", f"{place} registry"), one.registry_t, "t", "登记机构对账单"
        )
        zh, en = NAMES[one.kind]
        names.append(
            figures.result(
                f"difference_{number}", (f"{place} 差异", f"{place} difference"), one.registry_t - one.ledger_t, "t",
                "登记机构 − 台账", inputs=(ours, theirs), note_zh=zh, note_en=en,
            )
        )  # fmt: skip
    figures.result("difference_count", ("差异数", "Differences"), len(found), "count", "计数", inputs=names)
    return figures.trace()


RECONCILIATION: DecisionKind[ReconciliationInputs, ReconciliationOutcome] = DecisionKind(
    name="collateral.reconciliation",
    version="1",
    inputs=ReconciliationInputs,
    outputs=ReconciliationOutcome,
    decide=reconcile,
)
