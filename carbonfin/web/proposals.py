"""What waits for another person, as every room's API says it."""

from msgspec import Struct

from carbonfin.storage.approvals import Approval


class ProposedOut(Struct, frozen=True, kw_only=True):
    """What waits for another person; it is approved or rejected under `/v1/approvals`."""

    approval_id: str
    state: str
    title: str
    title_zh: str

    @classmethod
    def of(cls, approval: Approval) -> "ProposedOut":
        """Copy the domain value."""
        return cls(
            approval_id=approval.id, state=str(approval.state), title=approval.title_en, title_zh=approval.title_zh
        )
