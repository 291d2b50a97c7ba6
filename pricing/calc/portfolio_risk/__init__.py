"""The risk of a portfolio of holdings, forwards and futures-style contracts: VaR, ES, whose it is, named stresses.

Every line is linear in the price of its unit, so that a scenario's P&L is exposure times relative move. Moves have a
Student t distribution scaled to each factor's volatility; where no correlation is approved, all exposures lose
together, and the figure is called undiversified.
"""

from pricing.calc.portfolio_risk.inputs import (
    CORRELATION,
    SCENARIO_COUNT,
    SEED,
    VOLATILITY,
    CustomStress,
    FactorVolatility,
    LineRisk,
    PortfolioRisk,
    RiskInputs,
    StressResult,
)
from pricing.calc.portfolio_risk.measuring import PORTFOLIO_RISK, measure_risk
from pricing.calc.portfolio_risk.stresses import STRESS_LABELS
from pricing.calc.portfolio_risk.volatility_moves import VolatilityMoves, estimated_moves

__all__ = [
    "CORRELATION", "PORTFOLIO_RISK", "SCENARIO_COUNT", "SEED", "STRESS_LABELS", "VOLATILITY", "CustomStress",
    "FactorVolatility", "LineRisk", "PortfolioRisk", "RiskInputs", "StressResult", "VolatilityMoves",
    "estimated_moves", "measure_risk",
]  # fmt: skip
