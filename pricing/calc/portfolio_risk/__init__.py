"""The risk of a portfolio of holdings, forwards and futures-style contracts: VaR, ES, whose it is, named stresses.

Prices, volatilities, rates and exchange rates move together: drawn, as they did, or as they did rescaled to today's
volatility. Drawn moves have a Student t distribution scaled to each factor's volatility; where no correlation is
approved, all exposures lose together, and the figure is called undiversified.
"""

from pricing.calc.portfolio_risk.inputs import (
    CORRELATION,
    RATE_VOLATILITY,
    RISK_METHOD_LABELS,
    SCENARIO_COUNT,
    SEED,
    VOLATILITY,
    CustomStress,
    FactorVolatility,
    LineRisk,
    MarketDeviation,
    MarketHistory,
    MethodRisk,
    PortfolioRisk,
    RiskInputs,
    RiskMethod,
    StressResult,
)
from pricing.calc.portfolio_risk.measuring import PORTFOLIO_RISK, measure_risk
from pricing.calc.portfolio_risk.named_stresses import STRESS_SCENARIO, named_stresses, scenario_text
from pricing.calc.portfolio_risk.stresses import STRESS_LABELS, stress_labels
from pricing.calc.portfolio_risk.volatility_moves import VolatilityMoves, estimated_moves

__all__ = [
    "CORRELATION", "PORTFOLIO_RISK", "RATE_VOLATILITY", "RISK_METHOD_LABELS", "SCENARIO_COUNT", "SEED",
    "STRESS_LABELS", "STRESS_SCENARIO", "VOLATILITY", "CustomStress", "FactorVolatility", "LineRisk",
    "MarketDeviation", "MarketHistory", "MethodRisk", "PortfolioRisk", "RiskInputs", "RiskMethod", "StressResult",
    "VolatilityMoves", "estimated_moves", "measure_risk", "named_stresses", "scenario_text", "stress_labels",
]  # fmt: skip
