"""Pricing for people: the market, portfolios with their value, and price files."""

from pricing.pages.allowance_models import model_page, model_value_page, value_by_model_now
from pricing.pages.backtests import backtest_page
from pricing.pages.books import book_upload_page, export_book, send_book
from pricing.pages.compliance import compliance_page
from pricing.pages.curve_quotes import (
    curve_quotes_page,
    curve_upload_page,
    export_curve_quotes,
    send_curve_file,
)
from pricing.pages.curves import curve_page
from pricing.pages.fair_values import fair_value_page
from pricing.pages.market import export_market, market_page
from pricing.pages.portfolios import (
    export_valuation,
    line_page,
    portfolio_list,
    portfolio_page,
    valuation_page,
    value_now,
)
from pricing.pages.profits import profit_page
from pricing.pages.quality import export_quality, quality_page
from pricing.pages.risk import keep_risk, risk_page
from pricing.pages.stress_scenarios import edit_scenario, scenario_page
from pricing.pages.structures import structure_page, structure_value_page, value_structure_now
from pricing.pages.surfaces import surface_page
from pricing.pages.trades import send_trade_document, trade_page
from pricing.pages.uploads import send_price_file, upload_page
from pricing.pages.volatilities import volatility_page

routes = [
    market_page,
    export_market,
    fair_value_page,
    volatility_page,
    curve_page,
    surface_page,
    curve_quotes_page,
    export_curve_quotes,
    curve_upload_page,
    send_curve_file,
    quality_page,
    export_quality,
    upload_page,
    send_price_file,
    trade_page,
    send_trade_document,
    model_page,
    value_by_model_now,
    model_value_page,
    structure_page,
    value_structure_now,
    structure_value_page,
    book_upload_page,
    send_book,
    export_book,
    portfolio_list,
    portfolio_page,
    value_now,
    risk_page,
    keep_risk,
    backtest_page,
    scenario_page,
    edit_scenario,
    compliance_page,
    valuation_page,
    profit_page,
    export_valuation,
    line_page,
]
