"""A repo's contract: typed in by one person, opened when another approves it; title passes then, never before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount, FixedClock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, round_up
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.parties import Standing, load_party, standing_of
from carbonfin.storage.rulebook import book_for
from collateral.calc.agreements import NETTING_FLAG, NO_OPINION, OWN_ROLE_ZH, Repo, RepoDraft
from collateral.calc.repo import ExposureMethod, RepoStartOutcome, RepoTerms, decide_repo_start
from collateral.calc.repo_accounting import LabelGiven, RepurchaseFacts, RepurchaseRight, accounting_label
from collateral.calc.repo_ratios import haircut_of_margin_ratio, margin_ratio
from collateral.calc.repo_what_if import RepoScenario, repo_scenarios
from collateral.service.repos import open_repo, require_admitted, require_policy_haircut, start_inputs_on_day
from collateral.store import repos as store

DAY_COUNT = "collateral.repo_day_count"
BANK_ROLES = ("principal", "arranger", "calculation agent", "custodian")
_ROLES_ZH = {"principal": OWN_ROLE_ZH, "arranger": "安排行", "calculation agent": "计算代理行", "custodian": "托管行"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoContract:
    """A repo as two parties agreed it; cash amounts in `currency`.

    Attributes:
        basis: The contract's day count; None takes the dated convention of the currency.
        cross_border_basis: Rule or approval a cross-border repo rests on; empty where it is domestic or not known.
        netting_opinion: The legal opinion that supports netting; empty flags the repo.
        settlement: Settlement instructions of both legs.
        is_delivered: False where the seller failed to deliver on the purchase date: the repo opens as a failed start.
        haircut_ratio: The agreed haircut H; None takes the bank's own dated one.
        margin_ratio: The same as a ratio MV / PP, in its place.
        override_reason: Why the agreed haircut may lie below the bank's own.
        margin_rate: What cash margin earns; None where nothing is agreed.
    """

    code: str
    seller_id: str
    buyer_id: str
    bank_role: str
    unit: Unit
    quantity_t: int
    purchase_date: date
    repurchase_date: date
    currency: Currency
    purchase_price_amount: Decimal
    rate: Decimal
    basis: DayCount | None
    method: ExposureMethod
    minimum_transfer_amount: Decimal
    cross_border_basis: str
    netting_opinion: str
    settlement: str
    is_delivered: bool = True
    haircut_ratio: Decimal | None = None
    margin_ratio: Decimal | None = None
    override_reason: str = ""
    margin_rate: Decimal | None = None

    @property
    def agreed_haircut_ratio(self) -> Decimal | None:
        """The agreed haircut; of a margin ratio 1 - 1 / MR, rounded up at the sixth place."""
        if self.margin_ratio is None:
            return self.haircut_ratio
        return round_up(haircut_of_margin_ratio(self.margin_ratio), 6)

    def __post_init__(self) -> None:
        """Refuse a part the bank cannot have, one party on both sides, no settlement instructions, two haircuts."""
        if self.haircut_ratio is not None and self.margin_ratio is not None:
            raise InvalidInput(
                "the contract has a haircut and a margin ratio", zh="折扣系数与保证金比例只填一项", field="margin_ratio"
            )
        if self.haircut_ratio is not None:
            margin_ratio(self.haircut_ratio)
        if self.bank_role not in BANK_ROLES:
            raise InvalidInput(
                f"the bank's role {self.bank_role!r} is none of {', '.join(BANK_ROLES)}", zh="本行角色不在可选范围",
                field="bank_role",
            )  # fmt: skip
        if self.seller_id == self.buyer_id:
            raise InvalidInput("seller and buyer are one party", zh="正、逆回购方不得为同一方", field="buyer")
        if not self.settlement.strip():
            raise InvalidInput("there are no settlement instructions", zh="请填写交收指示", field="settlement")


def usual_basis(session: Session, standing: Standing, currency: Currency) -> ParameterValue:
    """Give the dated day-count convention of a currency; a fact from memory until the bank confirms it.

    Raises:
        MissingData: None is known for the currency and day.
    """
    book = book_for(session, standing.organization_id, packages=("collateral",))
    return book.on(DAY_COUNT, valid_on=standing.business_date, known_at=standing.known_at, scope=currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoPreview:
    """A contract weighed before anybody is asked: nothing of it is stored.

    Attributes:
        policy_ratio: The bank's own haircut on the day.
        override_needed: Whether the agreed haircut lies below it.
        flags: What stays open: netting opinion, cross-border basis, conventions not confirmed.
    """

    terms: RepoTerms
    start: RepoStartOutcome
    policy_ratio: Decimal
    override_needed: bool
    scenarios: tuple[RepoScenario, ...]
    flags: tuple[str, ...]
    label: LabelGiven


def preview_repo(session: Session, actor: Actor, contract: RepoContract, *, standing: Standing) -> RepoPreview:
    """Weigh a contract: lendable cash, repurchase price, haircut beside the bank's own, what-if, accounting label.

    Raises:
        NotFound: A party is not known.
        NotPermitted: The buyer may not take title to such units.
        MissingData: A price, a rate or a haircut is not known.
    """
    draft = _draft(session, contract, standing)
    inputs = start_inputs_on_day(session, actor, draft, standing=standing)
    terms = draft.terms
    return RepoPreview(
        terms=terms,
        start=decide_repo_start(inputs),
        policy_ratio=inputs.haircut.ratio,
        override_needed=terms.haircut_used(inputs.haircut) < inputs.haircut.ratio,
        scenarios=repo_scenarios(inputs),
        flags=draft.flags,
        label=_label(terms),
    )


def propose_repo(
    session: Session, maker: Actor, contract: RepoContract, *, standing: Standing, reason: str
) -> Approval:
    """Put a repo's contract before the checkers; nothing is opened and no title passes.

    Raises:
        NotFound: A party is not known.
        Conflict: The code is taken, the same contract waits already, the agreed haircut lies below the bank's own
            without a reason, the price is too old, the vintage ends before the repurchase, or a schedule of the bank
            does not admit the units.
    """
    seller, buyer = (load_party(session, maker, one) for one in (contract.seller_id, contract.buyer_id))
    draft = _draft(session, contract, standing)
    inputs = start_inputs_on_day(session, maker, draft, standing=standing)
    require_policy_haircut(draft.terms, inputs.haircut, draft.override_reason)
    require_admitted(draft.terms, decide_repo_start(inputs))
    taken = store.find_repo(session, maker, contract.code)
    if taken is not None:
        raise InvalidInput(f"repo {contract.code} is there already", zh=f"回购 {contract.code} 已存在", field="code")
    return approvals.propose(
        session,
        maker,
        REPO_APPROVAL,
        ProposalDraft(
            subject=f"repo_contract:{contract.code}",
            title_zh=f"回购 {contract.code}",
            title_en=f"Repo {contract.code}",
            payload={**_payload(draft), "seller": seller.name, "buyer": buyer.name},
            reason=reason,
        ),
        at=standing.known_at,
    )


def label_of(repo: Repo) -> LabelGiven:
    """Label a repo in the seller's books: both sides are bound, so its two prices decide; the auditor confirms it."""
    return _label(repo.terms)


def _label(terms: RepoTerms) -> LabelGiven:
    due = terms.accrued(terms.repurchase_date)
    return accounting_label(
        RepurchaseFacts(
            right=RepurchaseRight.OBLIGATION, purchase_price_amount=terms.purchase_price_amount,
            repurchase_price_amount=due, expected_value_amount=due,
        )
    )  # fmt: skip


def _draft(session: Session, contract: RepoContract, standing: Standing) -> RepoDraft:
    convention = usual_basis(session, standing, contract.currency) if contract.basis is None else None
    basis = contract.basis if convention is None else DayCount(convention.value)
    assert basis is not None
    flags = [
        f"{NETTING_FLAG}{contract.netting_opinion.strip() or NO_OPINION}",
        f"跨境业务依据：{contract.cross_border_basis or '待确认'}",
        f"交收指示：{contract.settlement}",
    ]
    if contract.agreed_haircut_ratio is not None and contract.override_reason.strip():
        flags.append(f"约定折扣系数 {contract.agreed_haircut_ratio}，例外理由：{contract.override_reason.strip()}")
    if convention is not None and not convention.confirmed:
        flags.append(f"计息基准 {basis} 取自未确认的惯例参数")
    return RepoDraft(
        terms=RepoTerms(
            code=contract.code, unit=contract.unit, quantity_t=contract.quantity_t,
            purchase_date=contract.purchase_date, repurchase_date=contract.repurchase_date,
            currency=contract.currency, purchase_price_amount=contract.purchase_price_amount, rate=contract.rate,
            basis=basis, method=contract.method, minimum_transfer_amount=contract.minimum_transfer_amount,
            agreed_haircut_ratio=contract.agreed_haircut_ratio, margin_rate=contract.margin_rate,
        ),
        seller_id=contract.seller_id, buyer_id=contract.buyer_id, bank_role=_ROLES_ZH[contract.bank_role],
        flags=tuple(flags), is_delivered=contract.is_delivered,
        override_reason=contract.override_reason.strip(),
    )  # fmt: skip


def _payload(draft: RepoDraft) -> dict[str, Any]:
    terms = draft.terms
    return {
        "code": terms.code,
        "seller_id": draft.seller_id,
        "buyer_id": draft.buyer_id,
        "bank_role": draft.bank_role,
        "unit": str(terms.unit),
        "quantity_t": terms.quantity_t,
        "purchase_date": terms.purchase_date.isoformat(),
        "repurchase_date": terms.repurchase_date.isoformat(),
        "currency": str(terms.currency),
        "purchase_price_amount": str(terms.purchase_price_amount),
        "rate": str(terms.rate),
        "basis": str(terms.basis),
        "method": str(terms.method),
        "minimum_transfer_amount": str(terms.minimum_transfer_amount),
        "flags": list(draft.flags),
        "is_delivered": draft.is_delivered,
        "agreed_haircut_ratio": None if terms.agreed_haircut_ratio is None else str(terms.agreed_haircut_ratio),
        "override_reason": draft.override_reason,
        "margin_rate": None if terms.margin_rate is None else str(terms.margin_rate),
    }


def _draft_of(payload: Mapping[str, Any]) -> RepoDraft:
    agreed, margin_rate = payload.get("agreed_haircut_ratio"), payload.get("margin_rate")
    return RepoDraft(
        terms=RepoTerms(
            code=payload["code"], unit=Unit.parse(payload["unit"]), quantity_t=payload["quantity_t"],
            purchase_date=date.fromisoformat(payload["purchase_date"]),
            repurchase_date=date.fromisoformat(payload["repurchase_date"]), currency=Currency(payload["currency"]),
            basis=DayCount(payload["basis"]), method=ExposureMethod(payload["method"]),
            purchase_price_amount=Decimal(payload["purchase_price_amount"]), rate=Decimal(payload["rate"]),
            minimum_transfer_amount=Decimal(payload["minimum_transfer_amount"]),
            agreed_haircut_ratio=None if agreed is None else Decimal(agreed),
            margin_rate=None if margin_rate is None else Decimal(margin_rate),
        ),
        seller_id=payload["seller_id"], buyer_id=payload["buyer_id"], bank_role=payload["bank_role"],
        flags=tuple(payload["flags"]), is_delivered=payload.get("is_delivered", True),
        override_reason=payload.get("override_reason", ""),
    )  # fmt: skip


def _apply(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    """Open the repo: the lendable cash is struck again on the day, and title passes to the buyer."""
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    open_repo(session, checker, _draft_of(approval.payload), standing=standing)


REPO_APPROVAL = ApprovalKind(
    name="collateral.repo",
    title_zh="回购合同",
    title_en="Repo contract",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda approval: f"/approvals/{approval.id}",
)
