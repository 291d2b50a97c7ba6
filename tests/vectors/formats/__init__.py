"""One recogniser and one runner per format; the first that recognises a file runs it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.vectors.comparison import CaseResult
from tests.vectors.files import VectorFile
from tests.vectors.formats import (
    actus,
    allocation,
    allowance_models,
    average_price_option,
    black76,
    chinese_rules,
    cost_of_carry,
    cross_currency,
    csa_agreements,
    csa_margin,
    day_counts,
    decision_table,
    dmn,
    eligible_collateral,
    emissions_trades,
    equal_principal,
    forced_sales,
    holidays,
    instalments,
    interest_rounding,
    jdm,
    jump_haircuts,
    mortgages,
    pcaf,
    published_options,
    rate_ratchets,
    repo,
    spread_option,
    state_machines,
    supervisory_cases,
    supervisory_haircuts,
    tail_risk,
    thin_market,
    variation_margin,
    volatility,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format: how it is recognised, the keys it may have at its top, and how its cases are run.

    Keys are None where those at the top are the names of cases.
    """

    name: str
    recognises: Callable[[VectorFile], bool]
    keys: frozenset[str] | None
    run: Callable[[VectorFile], Iterable[CaseResult]]


def _format(
    name: str,
    recognises: Callable[[VectorFile], bool],
    run: Callable[[VectorFile], Iterable[CaseResult]],
    keys: str,
) -> Format:
    return Format(name=name, recognises=recognises, keys=frozenset(keys.split()), run=run)


FORMATS: tuple[Format, ...] = (
    _format("cost of carry", cost_of_carry.recognises, cost_of_carry.run, "formula units cases tolerance"),
    _format(
        "variation margin",
        variation_margin.recognises,
        variation_margin.run,
        "input expected identity day_count tolerance",
    ),
    _format(
        "options (Black-76)",
        black76.recognises,
        black76.run,
        "model precision max_abs_diff_quantlib_over_forward units cases tolerance",
    ),
    _format(
        "average-price options",
        average_price_option.recognises,
        average_price_option.run,
        "units cases geometric_conditioning note tolerance",
    ),
    _format("spread options", spread_option.recognises, spread_option.run, "method units cases tolerance"),
    _format(
        "published options",
        published_options.recognises,
        published_options.run,
        "convention european_haug european_greeks_haug american_baw_haug american_bjerksund_stensland american_ju"
        " tolerance_note",
    ),
    _format(
        "volatility in thin markets",
        volatility.recognises,
        volatility.run,
        "note close high low traded at_limit expected definitions tolerance",
    ),
    _format(
        "value at risk and expected shortfall",
        tail_risk.recognises,
        tail_risk.run,
        "convention pnl expected weighted normal se_quantile tolerance",
    ),
    _format(
        "allowance models",
        allowance_models.recognises_one,
        allowance_models.run_one,
        "model units cases path_simulation terminal_noncompliance_probability tolerance",
    ),
    _format(
        "allowance models with banking",
        allowance_models.recognises_two,
        allowance_models.run_two,
        "model method units cases tolerance",
    ),
    _format(
        "calibration of allowance models",
        allowance_models.recognises_fit,
        allowance_models.run_fit,
        "input expected option_calibration note tolerance",
    ),
    _format(
        "two-factor futures curve",
        allowance_models.recognises_factors,
        allowance_models.run_factors,
        "model units cases kalman tolerance",
    ),
    _format(
        "value of a rate ratchet",
        rate_ratchets.recognises,
        rate_ratchets.run,
        "source formula inputs expected conventions tolerance",
    ),
    _format(
        "cross-currency pricing",
        cross_currency.recognises,
        cross_currency.run,
        "note units cnh_hkd eua_in_cny tolerance",
    ),
    _format(
        "futures-forward convexity",
        cross_currency.recognises_convexity,
        cross_currency.run_convexity,
        "formula model units cases tolerance",
    ),
    _format("thin market", thin_market.recognises, thin_market.run, "trades expected note tolerance"),
    _format(
        "repo",
        repo.recognises,
        repo.run,
        "what formula cdm_events cdm_source cdm_grade haircut_vs_margin_ratio icma_faq_example method_A_vs_B"
        " worked_treasury_repo cdm_doc_snippet china_conventions cross_currency_carbon_repo_constructed"
        " close_out_constructed tolerance",
    ),
    _format(
        "margin under a CSA",
        csa_margin.recognises,
        csa_margin.run,
        "what source formula rows haircut_stacking prior_in_transit eligibility_traps tolerance",
    ),
    _format(
        "credit support annex (CDM)",
        csa_agreements.recognises,
        csa_agreements.run,
        "agreementDate agreementTerms contractualParty legalAgreementIdentification otherParty",
    ),
    _format("eligible collateral (CDM)", eligible_collateral.recognises, eligible_collateral.run, "criteria"),
    _format(
        "state machines",
        state_machines.recognises,
        state_machines.run,
        "what grade pledge repo margin_call encumbrance invariants",
    ),
    _format(
        "supervisory haircuts",
        supervisory_haircuts.recognises_worked,
        supervisory_haircuts.run_worked,
        "what grade formula printed_columns_percent_(CRR_Art224_tables) basel31_10day_percent us_table1_10day_percent"
        " worked_E_star worked_source extra_computed fsb_cre56_floors_percent",
    ),
    _format(
        "tables of supervisory haircuts",
        supervisory_haircuts.recognises_tables,
        supervisory_haircuts.run_tables,
        "holding_period_business_days fx_mismatch_haircut scaling exposure_formula maturity_mismatch"
        " basel2_crr_3bands basel31_cre22_5bands",
    ),
    _format(
        "printed table of supervisory haircuts",
        supervisory_haircuts.recognises_printed,
        supervisory_haircuts.run_printed,
        "",
    ),
    _format(
        "optimal allocation",
        allocation.recognises,
        allocation.run,
        "what small greedy_trap generator large_regression bench_2_cores_seconds trap_seen greedy_definition tolerance",
    ),
    _format(
        "collateral cases",
        supervisory_cases.recognises,
        supervisory_cases.run,
        "source note cases scenarios tolerance",
    ),
    _format(
        "jump-diffusion haircuts",
        jump_haircuts.recognises,
        jump_haircuts.run,
        "what published_anchor lou_1708_07585 definition computed_here checks grade tolerance",
    ),
    _format(
        "liquidation horizons",
        forced_sales.recognises_horizons,
        forced_sales.run_horizons,
        "jorion_linear_liquidation T_star limit_down_days monte_carlo_200k_seed11 reading caveat grade model tolerance",
    ),
    _format(
        "close-out haircuts",
        forced_sales.recognises_close_out,
        forced_sales.run_close_out,
        "note rows model tolerance",
    ),
    _format("holidays by year", holidays.recognises_years, holidays.run_years, "source IB SSE trap"),
    _format(
        "holidays of exchange and banks",
        holidays.recognises_lists,
        holidays.run_lists,
        "sse_holidays_weekday interbank_working_weekends",
    ),
    _format("day counts", day_counts.recognises, day_counts.run, "actual_actual thirty360_days"),
    _format(
        "interest to the fen", interest_rounding.recognises, interest_rounding.run, "source float_error_rate cases"
    ),
    _format(
        "Chinese rules",
        chinese_rules.recognises,
        chinese_rules.run,
        "zhejiang_carbon_efficiency jiangtandai_pricing cib_huangshi_footprint_loan pboc_carbon_reduction_facility"
        " nanshan_green_financing_subsidy_2025 tolerance",
    ),
    _format(
        "equal principal", equal_principal.recognises, equal_principal.run, "source cashflows inputs provisional_from"
    ),
    _format(
        "equal instalments (Fineract)",
        instalments.recognises,
        instalments.run,
        "source licence scenarios_in_e2e_loan_features unit_cases e2e_examples",
    ),
    Format(name="contract standard (ACTUS)", recognises=actus.recognises, keys=None, run=actus.run),
    _format("loan schedules", mortgages.recognises, mortgages.run, "loan source expected"),
    _format("rows of loan schedules", mortgages.recognises_rows, mortgages.run_rows, ""),
    _format(
        "financed emissions",
        pcaf.recognises,
        pcaf.run,
        "source formula denominator data_quality_business_loan cases tolerance",
    ),
    _format(
        "decision table",
        decision_table.recognises,
        decision_table.run,
        "source rows cases null_cases",
    ),
    _format("decision model (DMN)", dmn.recognises_model, dmn.run_model, dmn.MODEL_PARTS),
    _format("cases of a decision model (DMN)", dmn.recognises_cases, dmn.run_cases, "modelName labels testCase"),
    _format("decision graph (JDM)", jdm.recognises, jdm.run, "tests nodes edges contentType settings"),
    _format("emissions trade (FpML)", emissions_trades.recognises_fpml, emissions_trades.run_fpml, "trade party"),
    _format(
        "emissions trade (CDM)",
        emissions_trades.recognises_cdm,
        emissions_trades.run_cdm,
        "@model @type @version @key trade transferHistory",
    ),
    _format(
        "code list of tracking systems",
        emissions_trades.recognises_codes,
        emissions_trades.run_codes,
        "identification codes",
    ),
)
