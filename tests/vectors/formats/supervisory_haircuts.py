"""Supervisory haircuts: printed columns, worked exposures, and the tables of three publications against each other."""

import csv
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from collateral.calc.supervisory_haircuts import (
    HOLDING_DAYS,
    Deal,
    SupervisoryAsset,
    SupervisoryRow,
    adjusted_exposure,
    holding_period_ratio,
    margin_period_days,
    remargined_ratio,
    ten_day_ratio,
)
from tests.vectors.comparison import CaseResult, Comparison, Outcome, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile, read_vector_file

_PRINTED = Tolerance(value=0.0005, is_absolute=True, source="three decimals as printed")
_COLUMNS = "printed_columns_percent_(CRR_Art224_tables)"
_BAND = re.compile(r"(?P<over>\d+)_?(?P<to>\d+)?y")
_TABLE = re.compile(r"^(?P<bond>govt|other) CQS(?P<first>\d)(-(?P<last>\d))?$")


def recognises_worked(file: VectorFile) -> bool:
    return file.has(_COLUMNS)


def recognises_tables(file: VectorFile) -> bool:
    return file.has("basel2_crr_3bands", "basel31_cre22_5bands")


def recognises_printed(file: VectorFile) -> bool:
    return file.path.suffix == ".csv" and "sovereign_pct" in file.text[:200]


def run_worked(file: VectorFile) -> Iterable[CaseResult]:
    content: dict[str, Any] = file.content
    for row in content[_COLUMNS]:
        yield run_case(f"printed {row['h10']}", _PRINTED, partial(_printed, row=row))
    for case in content["worked_E_star"]:
        yield run_case(case["id"], file.tolerance, partial(_exposure, case=case))
    for place, case in enumerate(content["extra_computed"]):
        yield run_case(f"extra {place}", file.tolerance, partial(_extra, case=case))
    yield run_case("holding periods", file.tolerance, partial(_holding_periods, formula=content["formula"]))
    for name in content.get("basel31_10day_percent", {}):
        if _TABLE.match(name):
            yield run_case(f"table {name}", file.tolerance, partial(_against_table, file=file, name=name))
    why = "recalled figures without cases: to be checked against their source"
    yield CaseResult(name="floors", outcome=Outcome.SKIPPED, why=why)


def _printed(check: Comparison, row: dict[str, Any]) -> None:
    only_keys(row, "h10", "h5_printed", "h20_printed", "source", "grade")
    for days in (5, 20):
        found = holding_period_ratio(row["h10"], from_days=10, to_days=days)
        check.number(f"{days} days", row[f"h{days}_printed"], found)


def _exposure(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "id", "inputs", "E_star")
    given = case["inputs"]
    only_keys(given, "E", "He", "C", "Hc", "Hfx")
    found = adjusted_exposure(
        exposure=given["E"],
        exposure_ratio=given["He"],
        collateral=given["C"],
        collateral_ratio=given["Hc"],
        currency_ratio=given["Hfx"],
    )
    check.number("E*", case["E_star"], found, scale=given["E"])
    name: str = case["id"]
    if (period := re.search(r"T_M=(\d+).*N_R=(\d+)|N_R=(\d+).*T_M=(\d+)", name)) is not None:
        holding, remargin = (int(one) for one in period.groups() if one)
        check.number("H", given["Hc"], remargined_ratio(0.005, holding_days=holding, remargin_days=remargin))
    if "MPOR=6" in name or "MPOR=5*2" in name:
        doubled = "MPOR=5*2" in name
        days = margin_period_days(floor_days=5, remargin_days=2, is_doubled=doubled)
        check.same("margin period", 11 if doubled else 6, days)
        check.number("H", given["Hc"], holding_period_ratio(0.005, from_days=10, to_days=days))


def _extra(check: Comparison, case: dict[str, Any]) -> None:
    if "E_star" not in case:
        only_keys(case, "H10", "T_M", "N_R", "H")
        found = remargined_ratio(case["H10"], holding_days=case["T_M"], remargin_days=case["N_R"])
        check.number("H", case["H"], found)
        return
    only_keys(case, "case", "Hc", "Hfx", "E_star", "wrong_if_multiplicative", "note")
    days = HOLDING_DAYS[Deal.SECURED_LENDING]
    price_ratio = remargined_ratio(0.25, holding_days=days, remargin_days=1)
    currency_ratio = remargined_ratio(0.08, holding_days=days, remargin_days=1)
    check.number("Hc", case["Hc"], price_ratio)
    check.number("Hfx", case["Hfx"], currency_ratio)
    found = adjusted_exposure(
        exposure=10e6, exposure_ratio=0.0, collateral=16e6, collateral_ratio=price_ratio, currency_ratio=currency_ratio
    )
    check.number("E*", case["E_star"], found, scale=10e6)


def _holding_periods(check: Comparison, formula: dict[str, Any]) -> None:
    stated = formula["T_M"]
    check.same("repo", stated["repo-style, daily remargin"], HOLDING_DAYS[Deal.REPO])
    check.same("market", stated["other capital-market, daily remargin"], HOLDING_DAYS[Deal.CAPITAL_MARKET])
    check.same("lending", stated["secured lending, daily revaluation"], HOLDING_DAYS[Deal.SECURED_LENDING])


def table_rows(table: list[dict[str, Any]]) -> tuple[SupervisoryRow, ...]:
    rows = []
    for one in table:
        only_keys(one, "type", "cqs", "maturity", "main_index", "haircut_10d")
        band = _BAND.search(one["maturity"] or "")
        over = float(band["over"]) if band else None
        rows.append(
            SupervisoryRow(
                kind=one["type"],
                quality_step=one["cqs"],
                over_years=over or None,
                to_years=float(band["to"]) if band and band["to"] else None,
                is_main_index=one["main_index"],
                ten_day_ratio=one["haircut_10d"],
            )
        )
    return tuple(rows)


def _asset(
    kind: str, step: int | None = None, years: float | None = None, *, main: bool | None = None
) -> SupervisoryAsset:
    return SupervisoryAsset(kind=kind, quality_step=step, residual_years=years, is_main_index=main)


def run_tables(file: VectorFile) -> Iterable[CaseResult]:
    for name in ("basel2_crr_3bands", "basel31_cre22_5bands"):
        table: list[dict[str, Any]] = file.content[name]
        rows = table_rows(table)
        for row in table:
            label = f"{name} {row['type']} {row['cqs']} {row['maturity']} {row['main_index']}"
            yield run_case(label, file.tolerance, partial(_row, rows=rows, row=row))
        yield run_case(f"{name} allowance", file.tolerance, partial(_allowance, rows=rows))


def _row(check: Comparison, rows: tuple[SupervisoryRow, ...], row: dict[str, Any]) -> None:
    """Look each row up at both ends of its band: just after its start, and at its end."""
    band = _BAND.search(row["maturity"] or "")
    ends = [None] if band is None else [float(band["over"]) + 1 / 365, float(band["to"] or 50)]
    for years in ends:
        asset = _asset(row["type"], row["cqs"], years, main=row["main_index"])
        check.number(f"at {years}", row["haircut_10d"], ten_day_ratio(rows, asset))


def _allowance(check: Comparison, rows: tuple[SupervisoryRow, ...]) -> None:
    check.refused("an allowance", lambda: ten_day_ratio(rows, _asset("emission_allowance")))


def _against_table(check: Comparison, file: VectorFile, name: str) -> None:
    """Hold the figures printed here to the table of the other publication, found beside this folder."""
    beside = file.path.parent.parent / "basel-haircuts" / "supervisory_haircuts.json"
    if not beside.is_file():
        return
    rows = table_rows(read_vector_file(beside).content["basel31_cre22_5bands"])
    match = _TABLE.match(name)
    assert match is not None
    kind = "govt_bond" if match["bond"] == "govt" else "corp_bond"
    printed: float | dict[str, float] = file.content["basel31_10day_percent"][name]
    years = {"<=1y": 1.0, "1-3y": 3.0, "3-5y": 5.0, "5-10y": 10.0, ">10y": 11.0}
    bands = printed if isinstance(printed, dict) else dict.fromkeys(years, printed)
    for step in range(int(match["first"]), int(match["last"] or match["first"]) + 1):
        for band, percent in bands.items():
            check.number(band, percent / 100, ten_day_ratio(rows, _asset(kind, step, years[band])))


_YEARS = {"<=1y": (0.5, 1.0), ">1y<=5y": (1.01, 5.0), ">5y": (5.01, 30.0), "all": (0.5, 30.0)}
_STEPS = {"AAA to AA-/A-1": (1,), "A+ to BBB-/A-2/A-3/P-3 and unrated bank securities": (2, 3), "BB+ to BB-": (4,)}
_KINDS = {"sovereign_pct": "govt_bond", "other_issuers_pct": "corp_bond", "securitisation_pct": "securitisation"}


def run_printed(file: VectorFile) -> Iterable[CaseResult]:
    """Hold a supervisor's printed table to the rows of the other publication in the folder."""
    beside = file.path.with_name("supervisory_haircuts.json")
    if not beside.is_file():
        yield CaseResult(name="table", outcome=Outcome.SKIPPED, why="no table to hold it to")
        return
    rows = table_rows(read_vector_file(beside).content["basel2_crr_3bands"])
    for line in csv.DictReader(file.text.splitlines()):
        name = f"{line['issue_rating']} {line['residual_maturity']}"
        yield run_case(name, file.tolerance, partial(_printed_line, rows=rows, line=line))


def _printed_line(check: Comparison, rows: tuple[SupervisoryRow, ...], line: dict[str, str]) -> None:
    rating = line["issue_rating"]
    if rating not in _STEPS:
        equity = {"main index equities": True, "other equities": False}.get(rating)
        asset = _asset("cash" if equity is None else "equity", main=equity)
        check.number(rating, float(line["sovereign_pct"]) / 100, ten_day_ratio(rows, asset))
        return
    for column, kind in _KINDS.items():
        for step in _STEPS[rating]:
            for years in _YEARS[line["residual_maturity"]]:
                asset = _asset(kind, step, years)
                if line[column] == "not eligible":
                    check.refused(f"{kind} {step}", partial(ten_day_ratio, rows, asset))
                else:
                    check.number(f"{kind} {step} {years}", float(line[column]) / 100, ten_day_ratio(rows, asset))
