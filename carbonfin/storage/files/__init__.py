"""Evidence files: checked as they come, stored once by digest, linked many times, erased by rule and by two people."""

from carbonfin.storage.files.checks import FILE_BYTES_MAX, MEDIA_TYPES, CheckedFile, check_file, own_file
from carbonfin.storage.files.erasure import FILE_ERASURE, due_for_erasure, keeping, propose_erasure
from carbonfin.storage.files.rows import EvidenceFileRow, FileLinkRow
from carbonfin.storage.files.store import (
    content_of,
    link_file,
    link_page,
    links_of,
    links_of_file,
    load_file,
    store_file,
    void_link,
)
from carbonfin.storage.files.values import EvidenceFile, EvidenceKind, FileLink, LinkDraft, LinkedFile

__all__ = [
    "FILE_BYTES_MAX",
    "FILE_ERASURE",
    "MEDIA_TYPES",
    "CheckedFile",
    "EvidenceFile",
    "EvidenceFileRow",
    "EvidenceKind",
    "FileLink",
    "FileLinkRow",
    "LinkDraft",
    "LinkedFile",
    "check_file",
    "content_of",
    "due_for_erasure",
    "keeping",
    "link_file",
    "link_page",
    "links_of",
    "links_of_file",
    "load_file",
    "own_file",
    "propose_erasure",
    "store_file",
    "void_link",
]
