"""Shapes of the pricing API."""

from pricing.schemas.market import (
    FindingOut,
    ForwardQuoteOut,
    ImportReportOut,
    PriceFileIn,
    QualityOut,
    QuoteListOut,
    QuoteOut,
)
from pricing.schemas.valuations import (
    FailureOut,
    LineValueOut,
    PortfolioLineIn,
    PortfolioListOut,
    PortfolioOut,
    PreviewIn,
    PreviewLineOut,
    PreviewOut,
    PreviewPriceOut,
    ValuationIn,
    ValuationOut,
)

__all__ = [
    "FailureOut",
    "FindingOut",
    "ForwardQuoteOut",
    "ImportReportOut",
    "LineValueOut",
    "PortfolioLineIn",
    "PortfolioListOut",
    "PortfolioOut",
    "PreviewIn",
    "PreviewLineOut",
    "PreviewOut",
    "PreviewPriceOut",
    "PriceFileIn",
    "QualityOut",
    "QuoteListOut",
    "QuoteOut",
    "ValuationIn",
    "ValuationOut",
]
