"""Four eyes, once: what one person proposes takes effect only when another approves it."""

from carbonfin.storage.approvals.rows import ApprovalEventRow, ApprovalRow

__all__ = ["ApprovalEventRow", "ApprovalRow"]
