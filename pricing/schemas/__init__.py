"""Shapes of the pricing API."""

from pricing.schemas.backtests import BacktestIn, BacktestOut
from pricing.schemas.books import BookFileIn, BookImportOut, PortfolioListOut, PortfolioOut
from pricing.schemas.compliance import ComplianceValueIn, ComplianceValueOut
from pricing.schemas.curve_quotes import CurveImportOut, CurveQuoteListOut, CurveQuoteOut
from pricing.schemas.curves import CurveInputOut, CurveNodeOut, CurveOut
from pricing.schemas.fair_values import FairValueOut
from pricing.schemas.forwards import ForwardQuoteOut
from pricing.schemas.market import (
    FindingOut,
    ImportReportOut,
    PriceFileIn,
    QualityOut,
    QuoteListOut,
    QuoteOut,
)
from pricing.schemas.positions import PortfolioLineIn
from pricing.schemas.profits import ProfitOut
from pricing.schemas.risk import RiskIn, RiskOut
from pricing.schemas.trades import TradeDocumentIn, TradeDocumentOut
from pricing.schemas.valuations import (
    FailureOut,
    LineValueOut,
    PreviewIn,
    PreviewLineOut,
    PreviewOut,
    PreviewPriceOut,
    ValuationIn,
    ValuationOut,
)
from pricing.schemas.volatilities import VolatilityEstimatesOut

__all__ = [
    "BacktestIn",
    "BacktestOut",
    "BookFileIn",
    "BookImportOut",
    "ComplianceValueIn",
    "ComplianceValueOut",
    "CurveImportOut",
    "CurveInputOut",
    "CurveNodeOut",
    "CurveOut",
    "CurveQuoteListOut",
    "CurveQuoteOut",
    "FailureOut",
    "FairValueOut",
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
    "ProfitOut",
    "QualityOut",
    "QuoteListOut",
    "QuoteOut",
    "RiskIn",
    "RiskOut",
    "TradeDocumentIn",
    "TradeDocumentOut",
    "ValuationIn",
    "ValuationOut",
    "VolatilityEstimatesOut",
]
