"""Whether a file is complete, and what it lacks."""

from reporting.calc.facts import DOCUMENT_TITLES, DocumentKind, FiledDocument


def missing_documents(required: tuple[DocumentKind, ...], filed: tuple[FiledDocument, ...]) -> tuple[DocumentKind, ...]:
    """Give the required kinds without a document in the file, in the scheme's order."""
    present = {document.kind for document in filed if document.digest}
    return tuple(kind for kind in required if kind not in present)


def titles_zh(kinds: tuple[DocumentKind, ...]) -> str:
    """Name kinds of document for a person."""
    return "、".join(DOCUMENT_TITLES[kind][0] for kind in kinds)


def titles_en(kinds: tuple[DocumentKind, ...]) -> str:
    """Name kinds of document in English."""
    return ", ".join(DOCUMENT_TITLES[kind][1] for kind in kinds)
