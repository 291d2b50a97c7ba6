"""Repos: opened with title passing to the buyer, valued each business date, called when exposure passes the minimum."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar, cast

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput, MissingData
from carbonfin.kernel.units import Currency
from carbonfin.storage.decisions import Override, record_decision
from carbonfin.storage.parties import Standing, load_party
from collateral.calc.agreements import Repo, RepoDraft, RepoExposureRecord, UnitQuantity
from collateral.calc.haircuts import Haircut, HaircutUse
from collateral.calc.holding_rights import HoldingRight
from collateral.calc.lifecycles import REPO
from collateral.calc.repo import (
    REPO_START,
    FxUsed,
    RepoStartInputs,
    RepoStartOutcome,
    RepoTerms,
)
from collateral.calc.repo_exposure import RepoExposureInputs, RepoExposureOutcome, decide_repo_exposure
from collateral.calc.repo_margin import RepoMargin
from collateral.service import titles
from collateral.service.book_limits import SHARE_BASE, BookAsked, book_limits
from collateral.service.eligibility_schedules import scheduled_units
from collateral.service.holding import require_party_may
from collateral.service.pledge_haircuts import PledgeAsked, PolicyHaircuts
from collateral.service.view import DeskView, desk_view, haircut_of, price_age_limits, price_used, vintage_use
from collateral.store import margin
from collateral.store import repos as store
from pricing.service import fx_rate_on

T = TypeVar("T")

_OF_THE_DAY = frozenset({"price-stale", "price-age-limit-unknown", "vintage-ends-first"})
_FX_PAIRS = {Currency.HKD: "HKDCNY", Currency.USD: "USDCNY", Currency.EUR: "EURCNY"}


def open_repo(session: Session, actor: Actor, draft: RepoDraft, *, standing: Standing) -> Repo:
    """Open a repo as of its purchase date: strike what may be lent, and pass title to the units to the buyer.

    Where the seller failed to deliver, no title passes, and the repo waits for late delivery or a mini close-out. The
    same again gives the repo that is there.

    Raises:
        Conflict: More cash than may be lent, units a schedule of the bank does not admit, a price too old, a vintage
            that ends before the repurchase, too few free units, or the code is taken by other terms.
        NotPermitted: The buyer may not take title to such units.
    """
    terms = draft.terms
    found = _same_repo(session, actor, terms)
    if found is not None:
        return found
    seller, buyer = load_party(session, actor, draft.seller_id), load_party(session, actor, draft.buyer_id)
    at_start = replace(standing, business_date=terms.purchase_date)
    if terms.purchase_date > standing.business_date:
        raise InvalidInput(
            f"repo {terms.code} starts {terms.purchase_date}, after the business date",
            zh="首期交易日晚于业务日期",
            field="purchase_date",
        )
    view = desk_view(session, at_start)
    inputs = _start_inputs(PolicyHaircuts.read(session, actor, view, keeps=True), draft)
    require_policy_haircut(terms, inputs.haircut, draft.override_reason)
    recorded = record_decision(
        session,
        actor,
        REPO_START,
        inputs,
        subject=f"repo:{terms.code}",
        valid_on=terms.purchase_date,
        known_at=standing.known_at,
        override=_haircut_override(terms, inputs.haircut, draft.override_reason.strip()),
    )
    _require_start(terms, recorded.outcome)
    require_party_may(view, buyer, (terms.unit,), HoldingRight.TAKE_TITLE)
    settling = REPO.after("AGREED", "purchase_date")
    state = REPO.after(settling, "DvP both legs" if draft.is_delivered else "delivery fails")
    if draft.is_delivered:
        titles.transfer_title(
            session, actor, agreement_code=terms.code, from_party_id=seller.id, to_party_id=buyer.id,
            units=UnitQuantity(unit=terms.unit, quantity_t=terms.quantity_t), standing=at_start,
            cause=f"回购 {terms.code} 首期交收，所有权转移",
        )  # fmt: skip
    return store.add_repo(
        session,
        actor,
        draft,
        state=state,
        start_decision_id=recorded.decision_id,
        is_sample=seller.is_sample or buyer.is_sample or actor.is_sample,
    )


def add_rolled(session: Session, actor: Actor, before: Repo, terms: RepoTerms, view: DeskView) -> Repo:
    """Open the repo that takes a rolled one's place: no title passes, and the cash margin stays where it is.

    Raises:
        Conflict: More cash than may be lent on the day, or units a schedule of the bank does not admit.
    """
    draft = RepoDraft(
        terms=terms, seller_id=before.seller_id, buyer_id=before.buyer_id, bank_role=before.bank_role,
        flags=(*before.flags, f"展期自 {before.terms.code}"),
    )  # fmt: skip
    haircuts = PolicyHaircuts.read(session, actor, view, keeps=True)
    inputs = _start_inputs(haircuts, draft, replaces=before.terms.code)
    kept = f"展期自 {before.terms.code}，沿用原约定折扣系数"
    recorded = record_decision(
        session, actor, REPO_START, inputs, subject=f"repo:{terms.code}", valid_on=view.day,
        known_at=view.standing.known_at, override=_haircut_override(terms, inputs.haircut, kept),
    )  # fmt: skip
    _require_start(terms, recorded.outcome)
    return store.add_repo(
        session, actor, draft, state=REPO.after(REPO.after("AGREED", "purchase_date"), "DvP both legs"),
        start_decision_id=recorded.decision_id, is_sample=before.is_sample,
        margin_cash_amount=before.margin_cash_amount,
    )  # fmt: skip


def start_inputs_on_day(session: Session, actor: Actor, draft: RepoDraft, *, standing: Standing) -> RepoStartInputs:
    """Collect what the start of a contract hangs on, on its purchase date or today where that lies ahead.

    Raises:
        NotFound: A party is not known.
        NotPermitted: The buyer may not take title to such units.
    """
    load_party(session, actor, draft.seller_id)
    buyer = load_party(session, actor, draft.buyer_id)
    day = min(draft.terms.purchase_date, standing.business_date)
    view = desk_view(session, replace(standing, business_date=day))
    require_party_may(view, buyer, (draft.terms.unit,), HoldingRight.TAKE_TITLE)
    haircuts = PolicyHaircuts.read(session, actor, view, keeps=False)
    return _start_inputs(haircuts, draft)


def require_policy_haircut(terms: RepoTerms, policy: Haircut, override_reason: str) -> None:
    """Hold that an agreed haircut is not below the bank's own, unless a reason is given that the checker sees.

    Raises:
        Conflict: It is below, and there is no reason.
    """
    used = terms.haircut_used(policy)
    if used < policy.ratio and not override_reason.strip():
        raise Conflict(
            f"the agreed haircut {used} lies below the bank's own {policy.ratio}",
            zh=f"约定折扣系数 {used} 低于本行政策 {policy.ratio}",
            field="haircut_ratio",
            remedy="Agree at least the bank's own, or give the reason for an exception.",
            remedy_zh="请不低于本行政策约定，或填写例外理由，由复核人审定。",
        )


def _haircut_override(terms: RepoTerms, policy: Haircut, reason: str) -> Override | None:
    """Give what stands on record where the agreed haircut lies below the bank's own; None where it does not."""
    used = terms.haircut_used(policy)
    if used >= policy.ratio:
        return None
    return Override(
        figure="agreed_haircut", label_zh="折扣系数", label_en="Haircut", unit="ratio", ruled=str(policy.ratio),
        used=str(used), reason=reason,
    )  # fmt: skip


def _require_start(terms: RepoTerms, outcome: RepoStartOutcome) -> None:
    require_admitted(terms, outcome)
    if not outcome.is_within_lendable:
        raise Conflict(
            f"repo {terms.code}: {terms.purchase_price_amount} exceeds lendable {outcome.lendable_amount}",
            zh=f"首期价款 {terms.purchase_price_amount} 超过可融资金额 {outcome.lendable_amount}",
            field="purchase_price_amount",
        )


def require_admitted(terms: RepoTerms, outcome: RepoStartOutcome) -> None:
    """Hold that nothing stands against the units: their price's age, their end, the bank's schedules for its own repo.

    Raises:
        Conflict: A reason does; it is named with its figures.
    """
    dated = [one for one in outcome.refusals or () if one.code in _OF_THE_DAY]
    if dated:
        raise Conflict(
            f"repo {terms.code}: {'; '.join(one.detail for one in dated)}",
            zh="；".join(one.zh for one in dated), field="unit",
            remedy="Load the quotes, or agree on a vintage that lasts beyond the repurchase or an earlier repurchase.",
            remedy_zh="请补录行情，或改用购回日之后仍可使用的配额年度、提前购回日。",
        )  # fmt: skip
    if outcome.refusals:
        raise Conflict(
            f"repo {terms.code}: {'; '.join(one.detail for one in outcome.refusals)}",
            zh="；".join(one.zh for one in outcome.refusals), field="unit",
            remedy="Agree on units the schedule admits, or fewer of them, or have the schedule changed; while little is"
            f" held, have the least base of its shares approved ({SHARE_BASE}).",
            remedy_zh="请改用清单所列品种或减少数量，或先修订担保品清单；存续押品尚少时，可报批清单集中度比例的最低基数。",
        )  # fmt: skip


def _start_inputs(haircuts: PolicyHaircuts, draft: RepoDraft, *, replaces: str = "") -> RepoStartInputs:
    """Collect what the start hangs on; what the bank only arranges or keeps is not held to what it accepts itself.

    `replaces` is the repo that ends where this one begins: its units are these.
    """
    view, terms = haircuts.view, draft.terms
    asked = BookAsked(
        pledgor_id=draft.seller_id, units=(terms.unit,), added=(terms.unit,), without_repos=(terms.code, replaces)
    )
    return RepoStartInputs(
        terms=terms,
        price=price_used(view, terms.unit),
        haircut=repo_haircut(haircuts, terms, seller_id=draft.seller_id),
        fx=fx_of(haircuts.session, view, terms),
        schedules=scheduled_units(view, (terms.unit,)) if draft.is_own else None,
        book=book_limits(haircuts.session, haircuts.actor, haircuts, asked) if draft.is_own else None,
        stale_after=price_age_limits(view, (terms.unit.scheme,)),
        use=vintage_use(view, terms.unit),
    )


def _same_repo(session: Session, actor: Actor, terms: RepoTerms) -> Repo | None:
    found = store.find_repo(session, actor, terms.code)
    if found is not None and found.terms != terms:
        raise Conflict(
            f"repo {terms.code} exists with other terms", zh=f"回购 {terms.code} 已存在且条件不同", field="code"
        )
    return found


def repo_haircut(
    haircuts: PolicyHaircuts, terms: RepoTerms, *, seller_id: str, unit: Unit | None = None, margin_units_t: int = 0
) -> Haircut:
    """Give the haircut of a unit under a repo: the larger of the dated table and of the class's policy.

    The currency part is added to both where the cash is not CNY. `unit` is one that would take the place of the repo's
    own, `margin_units_t` what stands behind it beside.
    """
    wanted, is_cross = unit or terms.unit, terms.currency is not Currency.CNY
    return haircut_of(haircuts.view, wanted, use=HaircutUse.REPO, cross_currency=is_cross).under_policy(
        haircuts.of(
            UnitQuantity(unit=wanted, quantity_t=terms.quantity_t + margin_units_t),
            PledgeAsked(pledgor_id=seller_id, end_date=terms.repurchase_date, is_cross_currency=is_cross),
        )
    )


def fx_of(session: Session, view: DeskView, terms: RepoTerms) -> FxUsed:
    """Give what one unit of a repo's cash currency is worth in CNY on the day.

    Raises:
        MissingData: No rate of the currency is kept, or the last one is too old.
    """
    if terms.currency is Currency.CNY:
        return FxUsed(cny_per_unit=Decimal(1), quote_date=view.day, source="同币种")
    if terms.currency is Currency.CNH:  # the same renminbi; what may part the two markets is the FX haircut, added
        return FxUsed(cny_per_unit=Decimal(1), quote_date=view.day, source="离岸与在岸同为人民币，按面值")
    pair = _FX_PAIRS.get(terms.currency)
    if pair is None:
        raise MissingData(
            f"no reference rate of {terms.currency} is kept", zh=f"没有 {terms.currency} 的参考汇率", field="fx"
        )
    quote = fx_rate_on(session, pair, view.day, view.standing.known_at)
    return FxUsed(cny_per_unit=quote.rate, quote_date=quote.quote_date, source=quote.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoFacts:
    """Prices, haircuts and rates of a day, each asked once for all the repos that hang on it."""

    session: Session
    haircuts: PolicyHaircuts
    kept: dict[Hashable, object] = field(default_factory=dict)

    @property
    def view(self) -> DeskView:
        """The day as the desk sees it."""
        return self.haircuts.view

    def inputs_of(self, repo: Repo) -> RepoExposureInputs:
        """Collect everything a repo's exposure hangs on.

        Raises:
            MissingData: A price, a haircut or a rate is missing.
        """
        terms = repo.terms
        return RepoExposureInputs(
            terms=terms,
            valuation_date=self.view.day,
            price=self._once(("price", terms.unit), lambda: price_used(self.view, terms.unit)),
            haircut=self._once(
                ("haircut", terms.code, repo.margin_units_t),
                lambda: repo_haircut(
                    self.haircuts, terms, seller_id=repo.seller_id, margin_units_t=repo.margin_units_t
                ),
            ),
            fx=self._once(("fx", terms.currency), lambda: fx_of(self.session, self.view, terms)),
            margin_units_t=repo.margin_units_t,
            margin_cash_amount=repo.margin_cash_amount,
            margin_steps=repo.margin_steps or None,
            returns_margin=True if repo.margin_cash_amount > 0 else None,
            agreed=self._agreed(terms.code),
        )

    def _agreed(self, code: str) -> RepoMargin | None:
        """Give the margin terms that two people agreed for a repo, as they hold on the day; None where none are."""
        haircuts, day = self.haircuts, self.view.day
        in_force = self._once(
            ("margin_terms",), lambda: margin.shared_terms_in_force(self.session, haircuts.actor, on=day)
        )
        found = in_force.get(code)
        if found is None:
            return None
        return RepoMargin(
            terms=found.terms.margin_terms, independent=found.terms.independent, document=found.terms.document,
            source=f"约定保证金条款第 {found.revision} 版",
        )  # fmt: skip

    def _once(self, key: Hashable, find: Callable[[], T]) -> T:
        """Find a fact, or say again why there is none."""
        if key not in self.kept:
            try:
                self.kept[key] = find()
            except CarbonFinError as error:
                self.kept[key] = error
        found = self.kept[key]
        if isinstance(found, CarbonFinError):
            raise found
        return cast("T", found)


def repo_exposure_of(session: Session, actor: Actor, repo_id: str, *, standing: Standing) -> RepoExposureOutcome:
    """Calculate a repo's exposure as of the business date; nothing is stored."""
    repo = store.load_repo(session, actor, repo_id)
    haircuts = PolicyHaircuts.read(session, actor, desk_view(session, standing), keeps=False)
    return decide_repo_exposure(RepoFacts(session=session, haircuts=haircuts).inputs_of(repo))


def load_repo(session: Session, actor: Actor, repo_id: str) -> Repo:
    """Give a repo of the actor's organisation."""
    return store.load_repo(session, actor, repo_id)


def repo_by_code(session: Session, actor: Actor, code: str) -> Repo | None:
    """Give the repo of the actor's organisation with this code, or None."""
    return store.find_repo(session, actor, code)


def repos_of(session: Session, actor: Actor) -> tuple[Repo, ...]:
    """Give the repos of the actor's organisation by code."""
    return store.repos_of(session, actor)


def latest_repo_exposure(
    session: Session, actor: Actor, repo_id: str, *, standing: Standing
) -> RepoExposureRecord | None:
    """Give a repo's last recorded exposure, with its decision."""
    return store.latest_repo_exposure(session, actor, repo_id=repo_id, on=standing.business_date)
