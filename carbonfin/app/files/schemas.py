"""The API's shapes of evidence files. Names of files stand only where they are read: they may name a person."""

from datetime import date
from typing import Annotated

from litestar.datastructures import UploadFile
from msgspec import Meta, Struct

from carbonfin.storage.files import EvidenceFile, EvidenceKind, FileLink, LinkDraft, LinkedFile
from carbonfin.web.wire import DayText, day_of

DigestText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{64}$",
        description="The SHA-256 of the content, by which a file is called.",
        examples=["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    ),
]
SubjectText = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z-]{1,30}:[A-Za-z0-9._-]{1,64}$",
        description="What the file is evidence of: approval, pledge, repo, party, loan, term-sheet, valuation, "
        "application, report or decision, a colon, and the identifier.",
        examples=["pledge:6f0c0f5e-6a6b-4a0e-9f0e-3b1a4a0d9b11"],
    ),
]
_REASON = Meta(min_length=1, max_length=2000)


class FileIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A file with what it is evidence of, as a multipart form."""

    file: UploadFile
    subject: SubjectText
    kind: EvidenceKind
    is_personal: bool = False
    retain_until: DayText | None = None


class LinkIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more thing a file is evidence of; without `retain_until` it is kept as long as the link stands."""

    subject: SubjectText
    kind: EvidenceKind
    is_personal: bool = False
    retain_until: DayText | None = None


class VoidIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a link is marked void."""

    reason: Annotated[str, _REASON]


class ErasureIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the content is to be erased."""

    reason: Annotated[str, _REASON]


class StoredOut(Struct, frozen=True, kw_only=True):
    """A file as stored, and the link that was made."""

    digest: str
    sm3_digest: str
    media_type: str
    size_bytes: int
    link_id: str
    subject: str
    kind: str

    @classmethod
    def of(cls, file: EvidenceFile, link: FileLink) -> "StoredOut":
        """Make it of file and link."""
        return cls(
            digest=file.digest,
            sm3_digest=file.sm3_digest,
            media_type=file.media_type,
            size_bytes=file.size_bytes,
            link_id=link.id,
            subject=link.subject,
            kind=link.kind.value,
        )


class FileLinkOut(Struct, frozen=True, kw_only=True):
    """One thing a file is evidence of; `name` is empty once the content is erased."""

    link_id: str
    digest: str
    subject: str
    kind: str
    name: str
    is_personal: bool
    retain_until: str | None
    linked_at: str
    linked_by_name: str
    voided_at: str | None
    voided_by_name: str | None
    void_reason: str | None

    @classmethod
    def of(cls, link: FileLink) -> "FileLinkOut":
        """Make it of the link."""
        return cls(
            link_id=link.id,
            digest=link.digest,
            subject=link.subject,
            kind=link.kind.value,
            name=link.name,
            is_personal=link.is_personal,
            retain_until=None if link.retain_until is None else link.retain_until.isoformat(),
            linked_at=link.linked_at.isoformat(),
            linked_by_name=link.linked_by_name,
            voided_at=None if link.voided_at is None else link.voided_at.isoformat(),
            voided_by_name=link.voided_by_name,
            void_reason=link.void_reason,
        )


class FileOut(Struct, frozen=True, kw_only=True):
    """A file's facts and every link; erased, the content is gone and these remain."""

    digest: str
    sm3_digest: str
    media_type: str
    size_bytes: int
    stored_at: str
    stored_by_name: str
    erased_at: str | None
    erased_by_name: str | None
    erasure_reason: str | None
    erasure_approval_id: str | None
    links: list[FileLinkOut]

    @classmethod
    def of(cls, file: EvidenceFile, links: tuple[FileLink, ...]) -> "FileOut":
        """Make it of the file and its links."""
        return cls(
            digest=file.digest,
            sm3_digest=file.sm3_digest,
            media_type=file.media_type,
            size_bytes=file.size_bytes,
            stored_at=file.stored_at.isoformat(),
            stored_by_name=file.stored_by_name,
            erased_at=None if file.erased_at is None else file.erased_at.isoformat(),
            erased_by_name=file.erased_by_name,
            erasure_reason=file.erasure_reason,
            erasure_approval_id=file.erasure_approval_id,
            links=[FileLinkOut.of(link) for link in links],
        )


class LinkedFileOut(Struct, frozen=True, kw_only=True):
    """A link with the facts of its file."""

    media_type: str
    size_bytes: int
    is_erased: bool
    link: FileLinkOut

    @classmethod
    def of(cls, found: LinkedFile) -> "LinkedFileOut":
        """Make it of link and file."""
        return cls(
            media_type=found.file.media_type,
            size_bytes=found.file.size_bytes,
            is_erased=found.file.is_erased,
            link=FileLinkOut.of(found.link),
        )


class FileListOut(Struct, frozen=True, kw_only=True):
    """Links with their files, newest first."""

    files: list[LinkedFileOut]


class ErasureOut(Struct, frozen=True, kw_only=True):
    """The erasure as it waits for another person."""

    approval_id: str
    digest: str
    state: str


def draft_of(data: FileIn | LinkIn, *, name: str) -> LinkDraft:
    """Read what a file is to be evidence of."""
    return LinkDraft(
        subject=data.subject,
        kind=data.kind,
        name=name,
        is_personal=data.is_personal,
        retain_until=last_day_of(data.retain_until),
    )


def last_day_of(text: str | None) -> date | None:
    """Read the last day a file must be kept."""
    return None if text is None else day_of(text, field="retain_until")
