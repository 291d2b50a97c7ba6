"""Every kind of approval there is, in one list; each is declared by the package whose business it is."""

from carbonfin.storage.administration import KEY_APPROVAL, PERSON_APPROVAL
from carbonfin.storage.approvals import Approval, ApprovalKind, ApprovalState
from carbonfin.storage.files import FILE_ERASURE
from carbonfin.storage.rulebook import PARAMETER_APPROVAL, TABLE_APPROVAL
from carbonfin.web.language import Text
from collateral.service import (
    CHANGE_APPROVAL,
    ENFORCEMENT_APPROVAL,
    HAIRCUT_POLICY_APPROVAL,
    LATE_CURE,
    MARGIN_DEFAULT,
    PLEDGE_APPROVAL,
    PLEDGE_STEP_APPROVAL,
    REPO_APPROVAL,
    REPO_EVENT_APPROVAL,
    TERMS_APPROVAL,
)
from loans.service import (
    CREDIT_LINE_APPROVAL,
    CUT_CLAIM_APPROVAL,
    CUT_RELEASE_APPROVAL,
    DRAWDOWN_APPROVAL,
    GREEN_APPROVAL,
    LINK_APPROVAL,
    LOAN_CONTRACT_APPROVAL,
    OBJECTION_APPROVAL,
    OBSERVATION_APPROVAL,
    REPAYMENT_APPROVAL,
)
from reporting.service import REVIEW_APPROVAL

APPROVAL_KINDS: tuple[ApprovalKind, ...] = (
    PLEDGE_APPROVAL,
    PLEDGE_STEP_APPROVAL,
    CHANGE_APPROVAL,
    TERMS_APPROVAL,
    REPO_APPROVAL,
    REPO_EVENT_APPROVAL,
    MARGIN_DEFAULT,
    LATE_CURE,
    ENFORCEMENT_APPROVAL,
    HAIRCUT_POLICY_APPROVAL,
    CREDIT_LINE_APPROVAL,
    LOAN_CONTRACT_APPROVAL,
    DRAWDOWN_APPROVAL,
    GREEN_APPROVAL,
    CUT_CLAIM_APPROVAL,
    CUT_RELEASE_APPROVAL,
    REPAYMENT_APPROVAL,
    OBJECTION_APPROVAL,
    LINK_APPROVAL,
    OBSERVATION_APPROVAL,
    REVIEW_APPROVAL,
    PARAMETER_APPROVAL,
    TABLE_APPROVAL,
    FILE_ERASURE,
    PERSON_APPROVAL,
    KEY_APPROVAL,
)

STATE_WORDS: dict[ApprovalState, tuple[str, Text]] = {
    ApprovalState.DRAFT: ("neutral", Text("草稿", "Draft")),
    ApprovalState.PROPOSED: ("warning", Text("待复核", "Waits for a checker")),
    ApprovalState.APPROVED: ("information", Text("已同意，待生效", "Approved, not yet effective")),
    ApprovalState.EFFECTIVE: ("good", Text("已生效", "Effective")),
    ApprovalState.REJECTED: ("breach", Text("已拒绝", "Rejected")),
    ApprovalState.WITHDRAWN: ("neutral", Text("已撤回", "Withdrawn")),
    ApprovalState.EXPIRED: ("neutral", Text("已逾期", "Expired")),
}
EVENT_WORDS: dict[str, Text] = {
    "draft": Text("起草", "Drafted"),
    "validate": Text("校验", "Validated"),
    "propose": Text("提交复核", "Proposed"),
    "approve": Text("同意", "Approved"),
    "make_effective": Text("生效", "Took effect"),
    "reject": Text("拒绝", "Rejected"),
    "withdraw": Text("撤回", "Withdrawn"),
    "expire": Text("逾期", "Expired"),
    "carry_over": Text("由旧版迁入", "Carried over"),
}


def kind_named(name: str) -> ApprovalKind | None:
    """Give a kind by its name."""
    return next((kind for kind in APPROVAL_KINDS if kind.name == name), None)


def kind_words(approval: Approval) -> Text:
    """Name an approval's kind for readers."""
    kind = kind_named(approval.kind)
    return Text(kind.title_zh, kind.title_en) if kind is not None else Text(approval.kind, approval.kind)
