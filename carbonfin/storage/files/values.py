"""What an evidence file and a link to it are, to those who store, show and erase them."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput

_SUBJECT = re.compile(r"[a-z][a-z-]{1,30}:[A-Za-z0-9._-]{1,64}")


class EvidenceKind(StrEnum):
    """What a file is evidence as; `hold` is a legal hold, which keeps it until the link is marked void."""

    APPLICATION = "application"
    CONTRACT = "contract"
    TITLE = "title"
    REGISTRATION = "registration"
    VERIFICATION = "verification"
    FINANCIAL = "financial"
    INVOICE = "invoice"
    IDENTITY = "identity"
    CORRESPONDENCE = "correspondence"
    OTHER = "other"
    HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDraft:
    """What a file is to be evidence of.

    Attributes:
        subject: The thing, as `pledge:ID` or `approval:ID`.
        name: The file's clean name as it was sent for this subject.
        is_personal: Whether it holds personal data, so that it is due for erasure once nothing asks to keep it.
        retain_until: The last day it must be kept; None means as long as the link stands.
    """

    subject: str
    kind: EvidenceKind
    name: str
    is_personal: bool
    retain_until: date | None

    def __post_init__(self) -> None:
        """Refuse a subject of another shape, and a hold with an end."""
        if not _SUBJECT.fullmatch(self.subject):
            raise InvalidInput(
                f"{self.subject[:80]!r} is no subject",
                zh="关联对象的写法有误",
                field="subject",
                remedy="Write it as pledge:ID.",
                remedy_zh="请按 pledge:编号 的形式填写。",
            )
        if self.kind is EvidenceKind.HOLD and self.retain_until is not None:
            raise InvalidInput(
                "a legal hold has no last day: it ends when its link is marked void",
                zh="法律保全不设保存期限，解除时将该关联作废",
                field="retain_until",
                remedy="Leave the day out.",
                remedy_zh="请勿填写日期。",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFile:
    """A file of one organisation by its digest; erased, its content is gone and the rest stands."""

    organization_id: str
    digest: str
    sm3_digest: str
    media_type: str
    size_bytes: int
    stored_at: datetime
    stored_by_name: str
    erased_at: datetime | None
    erased_by_name: str | None
    erasure_reason: str | None
    erasure_approval_id: str | None

    @property
    def is_erased(self) -> bool:
        """Whether the content is gone."""
        return self.erased_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLink:
    """One thing a file is evidence of; `name` is empty once the content is erased, for it may name a person."""

    id: str
    digest: str
    subject: str
    kind: EvidenceKind
    name: str
    is_personal: bool
    retain_until: date | None
    linked_at: datetime
    linked_by_name: str
    voided_at: datetime | None
    voided_by_name: str | None
    void_reason: str | None

    @property
    def is_void(self) -> bool:
        """Whether it was marked void."""
        return self.voided_at is not None

    def keeps_on(self, day: date) -> bool:
        """Whether this link asks that the content be kept on a day."""
        return not self.is_void and (self.retain_until is None or day <= self.retain_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedFile:
    """A link with the file it leads to."""

    link: FileLink
    file: EvidenceFile
