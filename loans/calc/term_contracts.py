"""A loan contract drawn from a term sheet: what it begins with, and what it may not say otherwise than was offered."""

from collections.abc import Mapping
from datetime import date

from carbonfin.kernel.errors import InvalidInput
from loans.calc.facilities import FACILITY_NAMES, LoanContract
from loans.calc.term_sheets import TermSheetInputs

_CARRIED = (
    "product", "method", "interest_period_months", "settlement_day", "basis", "accrual_dates", "reset_months",
    "reset_day", "fixing_lag_days",
)  # fmt: skip
"""Terms a request and a contract both have by the same name."""
_STOPS = ("concession_stop_days", "concession_stops_from", "concession_returns")
"""Carried where the sheet says what overdue does to the concession; those drafted before leave it to the contract."""


def offered_terms(inputs: TermSheetInputs) -> dict[str, object]:
    """Give the terms a contract takes over from a term sheet, by the contract's names."""
    request = inputs.request
    carried = (*_CARRIED, *_STOPS) if inputs.says_concession_stop else _CARRIED
    return {name: getattr(request, name) for name in carried} | {
        "lpr_tenor": inputs.rate.lpr.tenor, "margin_bp": inputs.rate.margin_bp,
    }  # fmt: skip


def first_entries(inputs: TermSheetInputs) -> dict[str, str]:
    """Give the entries of a contract's form that a term sheet fills in."""
    request = inputs.request
    terms: Mapping[str, object] = offered_terms(inputs) | {
        "purpose": request.purpose, "amount": request.principal_cny, "matures_by": request.maturity_date,
        "term_sheet_number": inputs.number, "term_sheet_version": inputs.version,
    }  # fmt: skip
    return {name: _text(value) for name, value in terms.items()}


def require_as_offered(contract: LoanContract, inputs: TermSheetInputs) -> None:
    """Refuse a contract that says otherwise than the term sheet it names.

    Raises:
        InvalidInput: A term differs; the message names it with both values.
    """
    offered = offered_terms(inputs)
    for name, value in offered.items():
        if getattr(contract, name) != value:
            raise _other(contract, inputs, name, offered=value)
    if contract.amount > inputs.request.principal_cny:
        raise _other(contract, inputs, "amount", offered=inputs.request.principal_cny)
    if contract.matures_by > inputs.request.maturity_date:
        raise _other(contract, inputs, "matures_by", offered=inputs.request.maturity_date)


def _other(contract: LoanContract, inputs: TermSheetInputs, name: str, *, offered: object) -> InvalidInput:
    label_zh, label_en = FACILITY_NAMES[name]
    said = getattr(contract, name)
    sheet_zh, sheet_en = f"条款清单 {inputs.number} 第 {inputs.version} 版", f"{inputs.number} version {inputs.version}"
    said_text, offered_text = _text(said), _text(offered)
    return InvalidInput(
        f"{label_en} is {said_text or 'not stated'} in the contract and {offered_text or 'not stated'} in {sheet_en}",
        zh=f"{label_zh}：合同为 {said_text or '未约定'}，{sheet_zh}为 {offered_text or '未约定'}", field=name,
        remedy="State it as offered, name another version, or leave the term sheet out where other terms were agreed.",
        remedy_zh="请与条款清单一致，或改填其他版本；另行商定的，请不填条款清单编号。",
    )  # fmt: skip


def _text(value: object) -> str:
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)
