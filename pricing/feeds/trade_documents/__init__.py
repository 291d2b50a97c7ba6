"""Trades in the field's documents, FpML 5 and FINOS CDM: read whole or refused by path, and written."""

from pricing.feeds.trade_documents.cdm import read_cdm
from pricing.feeds.trade_documents.facts import ReadTrade
from pricing.feeds.trade_documents.fpml import read_fpml
from pricing.feeds.trade_documents.nodes import read_tree
from pricing.feeds.trade_documents.writing import write_cdm
from pricing.feeds.trade_documents.writing_fpml import write_fpml

__all__ = ["ReadTrade", "read_trade_document", "write_cdm", "write_fpml"]


def read_trade_document(content: bytes) -> tuple[ReadTrade, ...]:
    """Read the trades of an FpML data document or a CDM trade state.

    Each trade comes with what could not be carried: path, what stands there, what was expected. A trade with any such
    failure has no contract, so nothing can be valued on a half-read document.

    Raises:
        InvalidInput: The document is of neither shape, not well-formed, or too large.
    """
    root = read_tree(content)
    return read_fpml(root) if root.path else read_cdm(root)
