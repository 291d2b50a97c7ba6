"""What an authority does to units: freezes them (司法冻结), lifts a freeze (解除冻结) or takes them (扣划)."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput


class ActKind(StrEnum):
    """What an authority orders."""

    FREEZE = "freeze"
    LIFT = "lift"
    DEDUCTION = "deduction"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActDraft:
    """An act as its document orders it.

    Attributes:
        party_id: On whose account.
        pledge_id: The pledge whose units it falls on; None for units that are pledged to nobody.
        freeze_id: The freeze that is lifted, or by which units are taken; None where there was none before.
        authority: Who orders it, such as a court.
        document: The document's number.
        evidence_digest: The document itself, as an evidence file.
    """

    kind: ActKind
    party_id: str
    pledge_id: str | None
    unit: Unit
    quantity_t: int
    freeze_id: str | None
    authority: str
    document: str
    document_date: date
    evidence_digest: str

    def __post_init__(self) -> None:
        """Refuse nothing, an act without its document, a lift of nothing and a freeze that names another."""
        if self.quantity_t <= 0:
            raise InvalidInput(
                f"{self.quantity_t} t is not a positive quantity", zh="数量须为正整数", field="quantity_t"
            )
        for name, zh in (("authority", "有权机关"), ("document", "文书编号"), ("evidence_digest", "文书附件")):
            if not str(getattr(self, name)).strip():
                raise InvalidInput(f"{name} is empty", zh=f"请填写{zh}", field=name)
        if self.kind is ActKind.LIFT and self.freeze_id is None:
            raise InvalidInput("a lift names the freeze it lifts", zh="请选择所解除的冻结", field="freeze_id")
        if self.kind is ActKind.FREEZE and self.freeze_id is not None:
            raise InvalidInput("a freeze names no other", zh="新的冻结不指向其他冻结", field="freeze_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityAct:
    """An act as it is recorded; `outstanding_t` is what a freeze still holds, zero for the others."""

    id: str
    draft: ActDraft
    outstanding_t: int
    business_date: date
    recorded_at: datetime
    actor_name: str


def require_follows(draft: ActDraft, freeze: AuthorityAct) -> None:
    """Refuse a lift or deduction that does not follow its freeze.

    Raises:
        Conflict: The freeze is of another party, unit or pledge, or holds less.
    """
    of = freeze.draft
    if of.kind is not ActKind.FREEZE or (of.party_id, of.unit) != (draft.party_id, draft.unit):
        raise Conflict(
            f"{freeze.id} is no freeze of {draft.unit} of this party",
            zh="所指冻结与该主体、品种不符",
            field="freeze_id",
        )
    if of.pledge_id != draft.pledge_id:
        raise Conflict(
            "the freeze falls on units of another pledge, or of none",
            zh="所指冻结不在该笔质押的配额上",
            field="pledge_id",
            remedy="Name the pledge the freeze names.",
            remedy_zh="请填写冻结所涉的质押。",
        )
    if draft.quantity_t > freeze.outstanding_t:
        raise Conflict(
            f"{draft.quantity_t} t asked, {freeze.outstanding_t} t still frozen by {of.document}",
            zh=f"拟办理 {draft.quantity_t} 吨，{of.document} 项下仍冻结 {freeze.outstanding_t} 吨",
            field="quantity_t",
            frozen_t=freeze.outstanding_t,
        )
