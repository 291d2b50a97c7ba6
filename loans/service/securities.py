"""What stands behind a contract: a pledge or a repo of the collateral side, which alone says whether to pay out."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import Conflict, NotFound
from carbonfin.kernel.units import Currency
from carbonfin.storage.approvals import Agreed
from carbonfin.storage.parties import Standing
from collateral import service as collateral_service
from collateral.calc.lifecycles import REPO
from collateral.calc.pledge import STATE_NAMES_ZH
from collateral.service import Pledge, Repo
from loans.calc.facilities import LoanContract
from loans.calc.notes import LoanNote
from loans.calc.servicing.accruals import accrual_of
from loans.service.note_books import note_books
from loans.store import notes as note_store

_NOTHING = Decimal("0.00")
_FROZEN, _DRAWN, _OPEN = "FROZEN", "DRAWN", "OPEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityAnswer:
    """Whether the collateral lets a drawdown through, in words for both readers.

    Attributes:
        refusal: Why not; None where it does, or where the contract has no security.
    """

    label_zh: str
    label_en: str
    refusal: Conflict | None


def require_known_security(session: Session, actor: Actor, contract: LoanContract) -> None:
    """Refuse a contract that names a pledge or repo the bank does not have.

    Raises:
        NotFound: There is none of that code.
    """
    if contract.pledge_code is not None:
        _pledge(session, actor, contract.pledge_code)
    if contract.repo_code is not None:
        _repo(session, actor, contract.repo_code)


def security_answer(
    session: Session, actor: Actor, contract: LoanContract, *, amount_cny: Decimal, maturity_date: date, on: date
) -> SecurityAnswer:
    """Ask the collateral side whether so much more may be drawn until a day; nothing is stored.

    Raises:
        NotFound: The pledge or repo is not there any more.
    """
    if contract.pledge_code is not None:
        pledge = _pledge(session, actor, contract.pledge_code)
        owed = _drawn_behind(session, actor, pledge_code=pledge.code)
        state = STATE_NAMES_ZH[pledge.state]
        return SecurityAnswer(
            label_zh=f"质押 {pledge.code}（{state}）", label_en=f"pledge {pledge.code} ({pledge.state})",
            refusal=_other_debt(session, actor, pledge, owed, on=on)
            or _pledge_refusal(pledge, owed + amount_cny, maturity_date),
        )  # fmt: skip
    if contract.repo_code is not None:
        repo = _repo(session, actor, contract.repo_code)
        owed = _drawn_under(session, actor, contract)
        return SecurityAnswer(
            label_zh=f"回购 {repo.terms.code}（{REPO.states[repo.state]}）",
            label_en=f"repo {repo.terms.code} ({repo.state})",
            refusal=_repo_refusal(repo, owed + amount_cny, maturity_date),
        )  # fmt: skip
    return SecurityAnswer(label_zh="无配额担保", label_en="no allowances behind it", refusal=None)


def require_security(
    session: Session, actor: Actor, contract: LoanContract, *, amount_cny: Decimal, maturity_date: date, on: date
) -> None:
    """Refuse a drawdown that the collateral does not let through.

    Raises:
        Conflict: The pledge is not frozen, the repo not open, or either is too small or ends too early.
    """
    found = security_answer(session, actor, contract, amount_cny=amount_cny, maturity_date=maturity_date, on=on)
    if found.refusal is not None:
        raise found.refusal


def draw_behind(session: Session, actor: Actor, note: LoanNote, *, standing: Standing, agreed: Agreed) -> None:
    """Move the pledge behind a note that was just drawn, post what is owed, and hold the coverage to the initial line.

    Raises:
        Conflict: A registration is missing, or the coverage with this note falls below the initial line.
        MissingData: A price the coverage needs is not known.
    """
    if note.pledge_code is None:
        return
    pledge = _pledge(session, actor, note.pledge_code)
    if pledge.state == _FROZEN:
        pledge = collateral_service.draw_pledge(
            session, actor, pledge.id, standing=standing, agreed=agreed, note=note.code
        )
    post_owed(session, actor, note.pledge_code, on=standing.business_date)
    coverage = collateral_service.coverage_now(session, actor, pledge, standing=standing)
    if coverage.cash_to_initial_cny > 0:
        raise Conflict(
            f"pledge {pledge.code} would lack {coverage.cash_to_initial_cny} CNY to the initial line",
            zh=f"提款后质押 {pledge.code} 低于初始覆盖率，缺 {coverage.cash_to_initial_cny:,} 元",
            field="amount_cny",
            remedy="Draw less, or have units added first.",
            remedy_zh="请减少提款金额，或先追加质押品。",
        )


def post_owed(session: Session, actor: Actor, pledge_code: str, *, on: date) -> None:
    """Post what all running notes behind a pledge owe together on a day: principal, and interest since last paid."""
    principal, accrued = _NOTHING, _NOTHING
    notes = note_store.notes_behind(session, actor, pledge_code)
    for book in note_books(session, actor, notes, known_at=end_of_china_day(on)):
        principal += book.note.outstanding_cny
        if book.note.interest_paid_to <= on:
            accrued += accrual_of(book, accrual_date=on).owed_cny
    collateral_service.record_exposure(
        session, actor, pledge_code, principal_cny=principal, accrued_cny=accrued, exposure_date=on
    )


def _other_debt(session: Session, actor: Actor, pledge: Pledge, drawn_cny: Decimal, *, on: date) -> Conflict | None:
    """Refuse where the collateral side knows of a debt behind the pledge that no note of ours stands for."""
    known = collateral_service.latest_exposure(session, actor, pledge.code, on=on)
    if pledge.state != _DRAWN or (known is not None and known.principal_cny == drawn_cny):
        return None
    owed = _NOTHING if known is None else known.principal_cny
    return _refusal(
        f"pledge {pledge.code} secures {owed} CNY, the notes behind it come to {drawn_cny}",
        zh=f"质押 {pledge.code} 已担保 {owed:,} 元，与其项下借据合计 {drawn_cny:,} 元不符",
        field="pledge_code",
        remedy="Enter the note that was drawn before, or make a further pledge.",
        remedy_zh="请先补录此前的借据，或另办质押。",
    )


def _pledge_refusal(pledge: Pledge, owed_cny: Decimal, maturity_date: date) -> Conflict | None:
    if pledge.state not in {_FROZEN, _DRAWN}:
        return _refusal(
            f"pledge {pledge.code} is {pledge.state}; a note is drawn when its units are frozen",
            zh=f"质押 {pledge.code} 状态为“{STATE_NAMES_ZH[pledge.state]}”，登记机构确认冻结前不得放款",
            field="pledge_code",
            remedy="Register the pledge and wait for the freeze, or cure what is called.",
            remedy_zh="请完成登记与冻结，或先补足追加担保。",
        )
    if owed_cny > pledge.principal_cny:
        return _refusal(
            f"{owed_cny} CNY would stand behind pledge {pledge.code}, appraised for {pledge.principal_cny}",
            zh=f"质押 {pledge.code} 按 {pledge.principal_cny:,} 元评估，提款后将达 {owed_cny:,} 元",
            field="amount_cny",
            remedy="Draw less, or make a further pledge.",
            remedy_zh="请减少提款金额，或另办质押。",
        )
    if maturity_date > pledge.end_date:
        return _refusal(
            f"pledge {pledge.code} ends {pledge.end_date}, the note matures {maturity_date}",
            zh=f"质押 {pledge.code} 于 {pledge.end_date} 到期，早于借据到期日 {maturity_date}",
            field="maturity_date",
            remedy="Have the note mature earlier, or extend the pledge.",
            remedy_zh="请提前借据到期日，或先办理质押延期。",
        )
    return None


def _repo_refusal(repo: Repo, owed_cny: Decimal, maturity_date: date) -> Conflict | None:
    terms = repo.terms
    if repo.state != _OPEN:
        return _refusal(
            f"repo {terms.code} is {repo.state}; a note is drawn while it is open",
            zh=f"回购 {terms.code} 状态为“{REPO.states[repo.state]}”，存续期间方可放款",
            field="repo_code",
            remedy="Settle the first leg, or the margin that is due.",
            remedy_zh="请先完成首期交收或补足追加担保。",
        )
    if terms.currency is not Currency.CNY or owed_cny > terms.purchase_price_amount:
        return _refusal(
            f"{owed_cny} CNY would stand against repo {terms.code} of {terms.purchase_price_amount} {terms.currency}",
            zh=f"回购 {terms.code} 首期价款 {terms.purchase_price_amount:,} {terms.currency}，少于 {owed_cny:,} 元",
            field="amount_cny",
            remedy="Draw less, or link a repo in CNY.",
            remedy_zh="请减少提款金额，或关联人民币回购。",
        )
    if maturity_date > terms.repurchase_date:
        return _refusal(
            f"repo {terms.code} ends {terms.repurchase_date}, the note matures {maturity_date}",
            zh=f"回购 {terms.code} 于 {terms.repurchase_date} 购回，早于借据到期日 {maturity_date}",
            field="maturity_date",
            remedy="Have the note mature earlier, or roll the repo.",
            remedy_zh="请提前借据到期日，或先办理展期。",
        )
    return None


def _refusal(detail: str, *, zh: str, field: str, remedy: str, remedy_zh: str) -> Conflict:
    return Conflict(detail, zh=zh, field=field, remedy=remedy, remedy_zh=remedy_zh)


def _drawn_behind(session: Session, actor: Actor, *, pledge_code: str) -> Decimal:
    behind = note_store.notes_behind(session, actor, pledge_code)
    return sum((note.outstanding_cny for note in behind), start=_NOTHING)


def _drawn_under(session: Session, actor: Actor, contract: LoanContract) -> Decimal:
    notes = note_store.notes_of(session, actor, contract_number=contract.number)
    return sum((note.outstanding_cny for note in notes), start=_NOTHING)


def _pledge(session: Session, actor: Actor, code: str) -> Pledge:
    found = collateral_service.pledge_by_code(session, actor, code)
    if found is None:
        raise NotFound(
            f"there is no pledge {code}", zh=f"没有质押 {code}", field="pledge_code",
            remedy="Apply for the pledge first.", remedy_zh="请先办理质押申请。",
        )  # fmt: skip
    return found


def _repo(session: Session, actor: Actor, code: str) -> Repo:
    found = collateral_service.repo_by_code(session, actor, code)
    if found is None:
        raise NotFound(
            f"there is no repo {code}", zh=f"没有回购 {code}", field="repo_code",
            remedy="Enter the repo first.", remedy_zh="请先录入回购。",
        )  # fmt: skip
    return found
