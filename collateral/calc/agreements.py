"""What the ledger and the agreements are, as values: what stores give and pages show."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny
from collateral.calc.cash_margin import MarginStep
from collateral.calc.coverage import TopUp
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.ledger import Bucket
from collateral.calc.refusals import Refusal
from collateral.calc.repo import RepoTerms
from collateral.calc.surrender import SafeDate


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPosition:
    """Units of one account and how much of them is bound."""

    account_id: str
    party_id: str
    unit: Unit
    total_t: int
    pending_t: int
    locked_t: int

    @property
    def free_t(self) -> int:
        """Units neither reserved nor locked."""
        return self.total_t - self.pending_t - self.locked_t


@dataclass(frozen=True, slots=True, kw_only=True)
class Encumbrance:
    """Units bound to an agreement."""

    id: str
    account_id: str
    agreement_code: str
    pledge_id: str
    unit: Unit
    quantity_t: int
    state: str
    change_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPosting:
    """One posting of an entry."""

    account_id: str
    unit: Unit
    bucket: Bucket
    quantity_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One movement in the ledger."""

    id: str
    kind: str
    agreement_code: str | None
    business_date: date
    entered_at: datetime
    actor_name: str
    cause: str
    postings: tuple[LedgerPosting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitQuantity:
    """Tonnes of one unit asked for or pledged."""

    unit: Unit
    quantity_t: int

    def __post_init__(self) -> None:
        """Refuse nothing and less."""
        if self.quantity_t <= 0:
            raise InvalidInput(
                f"{self.unit}: {self.quantity_t} t is not a positive quantity",
                zh=f"{self.unit} 的数量须为正整数",
                field="quantity_t",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeDraft:
    """A pledge as it is applied for.

    Attributes:
        extends_code: The pledge whose units are to be kept longer, or empty.
    """

    code: str
    pledgor_id: str
    units: tuple[UnitQuantity, ...]
    principal_cny: Decimal
    end_date: date
    extends_code: str

    def __post_init__(self) -> None:
        """Refuse no units, a unit twice, and a principal that is not whole fen."""
        if not self.units or len({one.unit for one in self.units}) != len(self.units):
            raise InvalidInput("name each pledged unit once", zh="请填写质押品种，且每一品种只填一次", field="units")
        if self.principal_cny <= 0 or self.principal_cny != cny(self.principal_cny):
            raise InvalidInput(
                f"principal {self.principal_cny} is not a positive amount in whole fen",
                zh="贷款本金须为正数，最多两位小数",
                field="principal_cny",
            )
        if not self.code.strip():
            raise InvalidInput("a pledge needs a code", zh="请填写质押编号", field="code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pledge:
    """A pledge and where it stands."""

    id: str
    code: str
    pledgor_id: str
    state: str
    units: tuple[UnitQuantity, ...]
    principal_cny: Decimal
    end_date: date
    extends_code: str
    applied_on: date
    maker_id: str
    maker_name: str
    registration_number: str | None
    appraisal_id: str | None
    drawn_on: date | None
    released_on: date | None
    refusals: tuple[Refusal, ...]
    is_sample: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeEvent:
    """One step of a pledge: what, when, by whom and why."""

    event: str
    state_before: str
    state_after: str
    business_date: date
    happened_at: datetime
    actor_name: str
    cause: str
    decision_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeApproval:
    """Who approved or rejected a pledge."""

    finding: str
    maker_name: str
    checker_name: str
    reason: str
    accepted_unconfirmed: tuple[str, ...]
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What is owed behind an agreement on a day."""

    agreement_code: str
    exposure_date: date
    revision: int
    principal_cny: Decimal
    accrued_cny: Decimal
    costs_cny: Decimal
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRecord:
    """Coverage of one pledge on one business date, with its decision."""

    pledge_id: str
    business_date: date
    revision: int
    decision_id: str
    market_value_cny: Decimal
    collateral_value_cny: Decimal
    debt_cny: Decimal
    coverage_ratio: Decimal | None
    ltv_ratio: Decimal
    warning_ratio: Decimal
    level: CoverageLevel
    cash_to_initial_cny: Decimal
    top_ups: tuple[TopUp, ...]
    closeout_days: int
    safe_date: SafeDate
    unconfirmed: tuple[str, ...]
    margin_held_cny: Decimal = Decimal("0.00")
    terms_id: str | None = None

    @property
    def distance_ratio(self) -> Decimal | None:
        """How far coverage stands above the warning line; negative once it is below."""
        return None if self.coverage_ratio is None else self.coverage_ratio - self.warning_ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginCall:
    """A call for more cover, or a return of margin.

    Attributes:
        part: 0, or the place of a disputed rest that was split off the call of the day.
        direction: `delivery` from the pledgor or seller, `return` to it.
        deadline_at: Last instant of the transfer, where hours are agreed.
        resolution_at: Last instant of the recalculation of a dispute.
        grace_end_at: Last instant of a cure, once expired.
        terms_id: The agreed terms it was made under; None where the agreement has none of its own.
    """

    id: str
    agreement_code: str
    state: str
    issued_on: date
    deadline: date | None
    currency: str
    cash_amount: Decimal
    top_ups: tuple[TopUp, ...]
    decision_id: str
    closed_on: date | None
    part: int = 0
    direction: str = "delivery"
    received_amount: Decimal = Decimal("0.00")
    deadline_at: datetime | None = None
    resolution_at: datetime | None = None
    grace_end_at: datetime | None = None
    terms_id: str | None = None

    @property
    def outstanding_amount(self) -> Decimal:
        """What is still awaited."""
        return max(self.cash_amount - self.received_amount, Decimal("0.00"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """One step of a call."""

    event: str
    state_before: str
    state_after: str
    amount: Decimal
    business_date: date
    happened_at: datetime
    actor_name: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoDraft:
    """A repo as the parties agreed it.

    Attributes:
        is_delivered: False where the seller failed to deliver at the start.
        override_reason: Why the agreed haircut may lie below the bank's own; empty where it does not.
    """

    terms: RepoTerms
    seller_id: str
    buyer_id: str
    bank_role: str
    flags: tuple[str, ...]
    is_delivered: bool = True
    override_reason: str = ""

    @property
    def is_own(self) -> bool:
        """Whether the bank deals for itself."""
        return self.bank_role == OWN_ROLE_ZH


OWN_ROLE_ZH = "交易本方"
"""The bank's part in a repo in which it deals for itself: the units are its own security."""
NETTING_FLAG = "净额结算法律意见："
NO_OPINION = "无"
"""How a repo says on its page which opinion supports netting; where none does, it stays flagged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A repo and where it stands."""

    id: str
    terms: RepoTerms
    seller_id: str
    buyer_id: str
    bank_role: str
    state: str
    margin_units_t: int
    margin_cash_amount: Decimal
    flags: tuple[str, ...]
    start_decision_id: str
    is_sample: bool
    margin_steps: tuple[MarginStep, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether the bank deals for itself."""
        return self.bank_role == OWN_ROLE_ZH

    @property
    def netting_opinion(self) -> str | None:
        """The opinion by which exposures under it are netted with the counterparty's others; None where none is."""
        for flag in self.flags:
            if flag.startswith(NETTING_FLAG):
                opinion = flag.removeprefix(NETTING_FLAG)
                return None if opinion == NO_OPINION else opinion
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoExposureRecord:
    """A repo's exposure on one business date, with its decision."""

    repo_id: str
    business_date: date
    revision: int
    decision_id: str
    repurchase_price_amount: Decimal
    accrued_value_amount: Decimal
    accrued_value_cny: Decimal
    market_value_cny: Decimal
    haircut_ratio: Decimal
    exposure_a_cny: Decimal
    exposure_b_cny: Decimal
    exposure_cny: Decimal
    margin_call_amount: Decimal
    margin_call_units_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadroomRecord:
    """Headroom of one emitter and scheme on one business date, with its decision."""

    party_id: str
    scheme: Scheme
    compliance_year: int
    business_date: date
    decision_id: str
    headroom_t: int
    surrender_date: date
    unconfirmed: tuple[str, ...]
