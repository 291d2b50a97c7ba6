"""Pricing for other packages and for the edges: load, calculate, save; nothing commits here."""

from typing import Any

from carbonfin.rules.record import DecisionKind
from pricing.calc.compliance import ObligationDraft
from pricing.calc.curve_quotes import CurveQuotes
from pricing.calc.liquidity import (
    AppraisalPrice,
    appraisal_price,
    average_daily_volume_t,
    fair_price,
    price_figures,
)
from pricing.calc.market import FxQuote, MarketSnapshot, Quote, RateQuote
from pricing.calc.models.model_values import MODEL_VALUE
from pricing.calc.portfolio import PORTFOLIO_VALUE
from pricing.calc.portfolio_risk import PORTFOLIO_RISK
from pricing.calc.structured.decision import STRUCTURE_VALUE
from pricing.service.allowance_models import (
    ModelValuation,
    load_model_value,
    model_value_of,
    record_model_value,
)
from pricing.service.books import BookImport, import_book
from pricing.service.compliance import (
    ComplianceAnswer,
    ObligationSource,
    compliance_value_of,
    holdings_of,
    mean_price_of,
    owed_for,
)
from pricing.service.curve_quotes import CurveImport, curve_quotes_of, curves_of, import_curve_file
from pricing.service.curve_readers import CurveReader, curve_reader
from pricing.service.curves import CurveAnswer, CurveSetAnswer, curve_in, curve_of, curve_set
from pricing.service.fair_values import FairValueAnswer, fair_value_of
from pricing.service.fetching import FetchReport, fetch_market
from pricing.service.forward_quotes import ForwardAnswer, forward_quote
from pricing.service.imports import (
    BuiltInImport,
    ImportReport,
    import_builtin_market,
    import_price_file,
    import_sample_quotes,
    sample_parameters,
)
from pricing.service.large_books import BlockWorkers, value_blocks
from pricing.service.lending_rates import lpr_on
from pricing.service.market import (
    flags_of,
    fx_rate_on,
    market_days,
    market_snapshot,
    quality_of,
    quote_page,
    quoted_units,
)
from pricing.service.previews import Markets, Preview, markets_in, preview_book, preview_portfolio
from pricing.service.profits import ProfitAnswer, explained_profit
from pricing.service.risk import (
    BacktestAnswer,
    RiskAnswer,
    backtest_of_lines,
    backtest_of_portfolio,
    load_risk,
    record_risk,
    risk_of_lines,
    risk_of_portfolio,
)
from pricing.service.streams import PieceValue, StreamTotal, lone_failure, stream_market, value_pieces
from pricing.service.stress_scenarios import (
    ScenarioDraft,
    StressScenarios,
    moves_of,
    propose_stress_scenario,
    stress_scenarios,
)
from pricing.service.structures import (
    StructureAnswer,
    StructureSummary,
    load_structure_value,
    record_structure_value,
    structure_value_of,
    structure_values_kept,
)
from pricing.service.surfaces import (
    OptionsAnswer,
    SurfacesAnswer,
    surface_in,
    surfaces_on,
    value_options,
)
from pricing.service.trades import TradeAnswer, TradeDocument, TradeShape, read_trades
from pricing.service.valuation import (
    Valuation,
    books_changed_at_rest,
    books_without_blocks,
    list_portfolios,
    load_portfolio,
    load_valuation,
    portfolio_page,
    record_inline_valuation,
    record_valuation,
    save_portfolio,
    valuations_of,
    value_inline,
)
from pricing.service.volatilities import EstimatorAnswer, VolatilityAnswer, price_history, volatility_estimates
from pricing.store.portfolios import Portfolio, ValuationRecord

__all__ = [
    "DECISION_KINDS",
    "AppraisalPrice",
    "BacktestAnswer",
    "BlockWorkers",
    "BookImport",
    "BuiltInImport",
    "ComplianceAnswer",
    "CurveAnswer",
    "CurveImport",
    "CurveQuotes",
    "CurveReader",
    "CurveSetAnswer",
    "EstimatorAnswer",
    "FairValueAnswer",
    "FetchReport",
    "ForwardAnswer",
    "FxQuote",
    "ImportReport",
    "MarketSnapshot",
    "Markets",
    "ModelValuation",
    "ObligationDraft",
    "ObligationSource",
    "OptionsAnswer",
    "PieceValue",
    "Portfolio",
    "Preview",
    "ProfitAnswer",
    "Quote",
    "RateQuote",
    "RiskAnswer",
    "ScenarioDraft",
    "StreamTotal",
    "StressScenarios",
    "StructureAnswer",
    "StructureSummary",
    "SurfacesAnswer",
    "TradeAnswer",
    "TradeDocument",
    "TradeShape",
    "Valuation",
    "ValuationRecord",
    "VolatilityAnswer",
    "appraisal_price",
    "average_daily_volume_t",
    "backtest_of_lines",
    "backtest_of_portfolio",
    "books_changed_at_rest",
    "books_without_blocks",
    "compliance_value_of",
    "curve_in",
    "curve_of",
    "curve_quotes_of",
    "curve_reader",
    "curve_set",
    "curves_of",
    "explained_profit",
    "fair_price",
    "fair_value_of",
    "fetch_market",
    "flags_of",
    "forward_quote",
    "fx_rate_on",
    "holdings_of",
    "import_book",
    "import_builtin_market",
    "import_curve_file",
    "import_price_file",
    "import_sample_quotes",
    "list_portfolios",
    "load_model_value",
    "load_portfolio",
    "load_risk",
    "load_structure_value",
    "load_valuation",
    "lone_failure",
    "lpr_on",
    "market_days",
    "market_snapshot",
    "markets_in",
    "mean_price_of",
    "model_value_of",
    "moves_of",
    "owed_for",
    "portfolio_page",
    "preview_book",
    "preview_portfolio",
    "price_figures",
    "price_history",
    "propose_stress_scenario",
    "quality_of",
    "quote_page",
    "quoted_units",
    "read_trades",
    "record_inline_valuation",
    "record_model_value",
    "record_risk",
    "record_structure_value",
    "record_valuation",
    "risk_of_lines",
    "risk_of_portfolio",
    "sample_parameters",
    "save_portfolio",
    "stream_market",
    "stress_scenarios",
    "structure_value_of",
    "structure_values_kept",
    "surface_in",
    "surfaces_on",
    "valuations_of",
    "value_blocks",
    "value_inline",
    "value_options",
    "value_pieces",
    "volatility_estimates",
]  # fmt: skip

DECISION_KINDS: tuple[DecisionKind[Any, Any], ...] = (PORTFOLIO_VALUE, PORTFOLIO_RISK, STRUCTURE_VALUE, MODEL_VALUE)
