"""Evidence files: stored once by digest, linked many times, erased by rule."""

from carbonfin.storage.files.rows import EvidenceFileRow, FileLinkRow

__all__ = ["EvidenceFileRow", "FileLinkRow"]
