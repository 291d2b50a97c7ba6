"""The forms of a sustainability link: text in, what the API takes out; nothing typed is lost."""

import re
from collections.abc import Mapping
from typing import Any

from carbonfin.kernel.errors import InvalidInput
from carbonfin.web.language import Text
from loans.calc.linked import RatchetKind
from loans.calc.linked.agreements import ASSURANCE_EN, ASSURANCE_ZH, EVENTS_EN, EVENTS_ZH, LinkEvent, SustainabilityLink
from loans.calc.linked.documents import KINDS_EN, KINDS_ZH
from loans.calc.linked.indicators import KeyPerformanceIndicator
from loans.calc.linked.ratchets import FORMS_EN, FORMS_ZH, LATE_EN, LATE_ZH
from loans.pages.entries import read_entries
from loans.schemas.links import LinkDocumentIn, SustainabilityLinkIn

_MOST = 8_000
_YES_NO = (("yes", Text("是", "yes")), ("no", Text("否", "no")))
_KPI_PARTS = (
    "code", "name", "definition", "unit", "direction", "method", "data_source", "baseline_year", "baseline_value",
    "baseline_source", "is_intensity", "emissions_ratio", "history",
)  # fmt: skip
_DIRECTIONS = {"低": "lower", "高": "higher"}

NAMES = {
    "number": Text("挂钩条款编号", "Link"),
    "contract_number": Text("合同编号", "Contract"),
    "event": Text("事项", "Event"),
    "document": Text("挂钩条款所在文件", "Document"),
    "kpis": Text("关键绩效指标", "KPIs"),
    "observations": Text("观察日、核查截止日与目标", "Observations, report due, targets"),
    "form": Text("挂钩方式", "What moves the margin"),
    "kind": Text("累计方式", "Kind"),
    "steps": Text("调整表", "Grid"),
    "points": Text("按分数的条款", "Terms by points"),
    "missed_bp": Text("未提交有效核查报告时（BP）", "Without a report that counts (bp)"),
    "floor_bp": Text("调整下限（BP）", "Floor (bp)"),
    "cap_bp": Text("调整上限（BP）", "Cap (bp)"),
    "all_in_floor_rate": Text("综合利率下限", "All-in floor"),
    "late": Text("逾期提交的核查报告", "A late report"),
    "verifier": Text("核查机构", "Verifier"),
    "verifier_is_independent": Text("核查机构独立于双方", "Verifier is independent"),
    "assurance": Text("最低保证程度", "Least assurance"),
    "needs_certificate": Text("须提交可持续合规证明", "Needs a compliance certificate"),
    "signed_on": Text("签订日", "Signed on"),
    "valid_from": Text("生效日", "Valid from"),
    "step_up_use": Text("上浮利息的去向", "Use of a step up"),
    "bonus_depends": Text("本行绩效与此类贷款笔数挂钩", "Bonus hangs on the number of such loans"),
    "reason": Text("提出理由", "Reason"),
    "claimed_elsewhere": Text("登记以外主张同一减排量者", "Who claims the same cut beyond the register"),
}
OPTIONAL = frozenset({"steps", "points", "floor_bp", "cap_bp", "all_in_floor_rate", "step_up_use", "bonus_depends"})
LONG = frozenset({"kpis", "observations", "steps"})
DAYS = frozenset({"signed_on", "valid_from"})
OPTIONS: Mapping[str, tuple[tuple[str, Text], ...]] = {
    "event": tuple(
        (one.value, Text(EVENTS_ZH[one], EVENTS_EN[one]))
        for one in (LinkEvent.SIGN, LinkEvent.AMEND, LinkEvent.REBASELINE)
    ),
    "form": tuple((one.value, Text(FORMS_ZH[one], FORMS_EN[one])) for one in FORMS_ZH),
    "kind": (
        (RatchetKind.ABSOLUTE.value, Text("按当次定档", "to the step itself")),
        (RatchetKind.CUMULATIVE.value, Text("逐次累计", "step upon step")),
    ),
    "late": tuple((one.value, Text(LATE_ZH[one], LATE_EN[one])) for one in LATE_ZH),
    "assurance": tuple((one.value, Text(ASSURANCE_ZH[one], ASSURANCE_EN[one])) for one in ASSURANCE_ZH),
    "verifier_is_independent": _YES_NO,
    "needs_certificate": _YES_NO,
    "bonus_depends": _YES_NO,
}
DOCUMENT_KINDS = tuple((one.value, Text(KINDS_ZH[one], KINDS_EN[one])) for one in KINDS_ZH)
TURNS = tuple(
    (one.value, Text(EVENTS_ZH[one], EVENTS_EN[one]))
    for one in (LinkEvent.SUSPEND, LinkEvent.RESUME, LinkEvent.DECLASSIFY)
)
BEYOND = (
    ("", Text("未核实", "not looked for")),
    ("none", Text("经核实没有", "none was found")),
    ("some", Text("有，列名如下", "some, named below")),
)
HELP = {
    "kpis": Text(
        "每行一项，以 | 分隔：代码|名称|定义与边界|单位|低或高（越低越好填低）|方法学与版本|"
        "数据来源|基准年|基准值|基准依据|强度指标填是或否|占企业排放比例（可空）|历史（如 2023:0.51,2024:0.50，可空）",
        "one a line with |: code|name|definition|unit|低 or 高|method|source|baseline year|value|document|"
        "是/否 intensity|share of emissions|history 2023:0.51,2024:0.50",
    ),
    "observations": Text(
        "每行一次：观察日 核查截止日 指标=目标值 …，例如 2026-12-31 2027-03-31 energy=0.46",
        "one a line: date, report due, KPI=target …",
    ),
    "steps": Text(
        "每行一档，如 A:-10；按达标数自 0 起，如 0:5；按分数不填。单位 BP，负数为下调",
        "one a line: A:-10, or 0:5 from none met; empty by points",
    ),
    "points": Text("按分数填：基准分值,每分BP,floor 或 exact,封顶BP，例如 60,1,floor,20", "60,1,floor,20"),
    "missed_bp": Text("不得低于最差一档", "never below the worst step"),
    "all_in_floor_rate": Text("以小数填写，例如 0.028；调整后利率不低于此数", "as a decimal"),
}


def link_body(form: Mapping[str, str]) -> SustainabilityLinkIn:
    """Read the form of a link as the API reads it.

    Raises:
        InvalidInput: An entry reads what it cannot; the field is named.
    """
    ratchet: dict[str, Any] = {name: _text(form, name) for name in ("form", "kind", "late")}
    ratchet |= {"missed_bp": _whole(form, "missed_bp"), "steps": _steps(form)}
    ratchet |= {name: _whole(form, name) for name in ("floor_bp", "cap_bp")}
    ratchet |= {"all_in_floor_rate": _text(form, "all_in_floor_rate") or None, "points": _points(form)}
    names = ("number", "contract_number", "document", "verifier", "assurance", "signed_on", "valid_from", "reason")
    body: dict[str, Any] = {name: _text(form, name) for name in (*names, "step_up_use")}
    body |= {"event": _text(form, "event") or LinkEvent.SIGN.value, "ratchet": ratchet}
    body |= {"verifier_is_independent": _text(form, "verifier_is_independent") == "yes"}
    body |= {"needs_certificate": _text(form, "needs_certificate") == "yes"}
    body |= {"bonus_depends": {"yes": True, "no": False}.get(_text(form, "bonus_depends"))}
    body |= {"kpis": _kpis(form), "observations": _observations(form)}
    return read_entries(body, SustainabilityLinkIn, NAMES.get)


def document_body(form: Mapping[str, str]) -> LinkDocumentIn:
    """Read the form of a document as the API reads it.

    Raises:
        InvalidInput: An entry reads what it cannot.
    """
    plain = ("kind", "document_date", "received_date", "evidence_digest", "correction_reason", "signed_by")
    body: dict[str, Any] = {name: _text(form, name) for name in plain}
    body |= {name: _text(form, name) or None for name in ("usci", "verifier", "grade", "score", "valid_to")}
    body |= {"observation_number": _whole(form, "observation_number")}
    body |= {"is_independent": _text(form, "is_independent") == "yes", "assurance": _text(form, "assurance")}
    body["values"] = [
        {"kpi_code": name.removeprefix("value_"), "value": _text(form, name)}
        for name in sorted(form)
        if name.startswith("value_") and _text(form, name)
    ]
    return read_entries(body, LinkDocumentIn, NAMES.get)


def claimed_elsewhere(form: Mapping[str, str]) -> list[str] | None:
    """Read who claims the same cut beyond the register: named, none as looked for, or None where nobody looked.

    Raises:
        InvalidInput: Some are said to claim it and none is named, or none is said to and some are named.
    """
    said = _text(form, "beyond")
    names = [one.strip() for one in re.split(r"[,，、;；\n]", _text(form, "claimed_elsewhere")) if one.strip()]
    if (said == "some") != bool(names):
        raise InvalidInput(
            "who claims the same cut is named where somebody does, and only there",
            zh="有其他主张的须逐一列名；没有或未核实的不填", field="claimed_elsewhere",
            remedy="Choose 'some' and name each, or leave the names empty.",
            remedy_zh="请选“有”并列名，或清空名称。",
        )  # fmt: skip
    return names or ([] if said == "none" else None)


def form_of_link(terms: SustainabilityLink) -> dict[str, str]:
    """Give terms as the form would hold them."""
    ratchet, points = terms.ratchet, terms.ratchet.points
    targets = [
        " ".join(
            (one.observation_date.isoformat(), one.report_due_date.isoformat(),
             *(f"{target.kpi_code}={target.value:f}" for target in one.targets))
        )
        for one in terms.observations
    ]  # fmt: skip
    return {
        "number": terms.number, "contract_number": terms.contract_number, "document": terms.document,
        "kpis": "\n".join(_kpi_line(one) for one in terms.kpis), "observations": "\n".join(targets),
        "form": ratchet.form.value, "kind": ratchet.kind.value, "late": ratchet.late.value,
        "steps": "\n".join(f"{one.key}:{one.step_bp}" for one in ratchet.steps),
        "points": "" if points is None
        else f"{points.base_score:f},{points.bp_per_point:f},{points.fraction},{points.cap_bp:f}",
        "missed_bp": str(ratchet.missed_bp), "floor_bp": _or_empty(ratchet.floor_bp),
        "cap_bp": _or_empty(ratchet.cap_bp), "all_in_floor_rate": _or_empty(ratchet.all_in_floor_rate),
        "verifier": terms.verifier, "verifier_is_independent": "yes" if terms.verifier_is_independent else "no",
        "assurance": terms.assurance.value, "needs_certificate": "yes" if terms.needs_certificate else "no",
        "signed_on": terms.signed_on.isoformat(), "step_up_use": terms.step_up_use,
        "bonus_depends": {True: "yes", False: "no", None: ""}[terms.bonus_depends],
    }  # fmt: skip


def _kpi_line(kpi: KeyPerformanceIndicator) -> str:
    history = ",".join(f"{one.year}:{one.value:f}" for one in kpi.history)
    return "|".join(
        (
            kpi.code, kpi.name, kpi.definition, kpi.unit, "低" if kpi.direction == "lower" else "高", kpi.method,
            kpi.data_source, str(kpi.baseline_year), f"{kpi.baseline_value:f}", kpi.baseline_source,
            "是" if kpi.is_intensity else "否", _or_empty(kpi.emissions_ratio), history,
        )
    )  # fmt: skip


def _or_empty(value: object) -> str:
    return "" if value is None else str(value)


def _text(form: Mapping[str, str], name: str) -> str:
    return form.get(name, "").strip()[:_MOST]


def _whole(form: Mapping[str, str], name: str) -> object:
    text = _text(form, name)
    if not text:
        return None
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,5}", text) else text


def _lines(form: Mapping[str, str], name: str) -> list[str]:
    return [line.strip() for line in _text(form, name).splitlines() if line.strip()]


def _kpis(form: Mapping[str, str]) -> list[dict[str, Any]]:
    return [_kpi(line) for line in _lines(form, "kpis")]


def _kpi(line: str) -> dict[str, Any]:
    parts = [part.strip() for part in re.split(r"[|｜]", line)]
    if not len(_KPI_PARTS) - 2 <= len(parts) <= len(_KPI_PARTS):
        raise InvalidInput(
            f"a KPI has {len(parts)} parts, not {len(_KPI_PARTS) - 2} to {len(_KPI_PARTS)}",
            zh=f"指标一行须有 {len(_KPI_PARTS) - 2} 至 {len(_KPI_PARTS)} 段，现为 {len(parts)} 段", field="kpis",
        )  # fmt: skip
    found: dict[str, Any] = dict(zip(_KPI_PARTS, [*parts, "", ""], strict=False))
    found["direction"] = _DIRECTIONS.get(found["direction"], found["direction"])
    found["is_intensity"] = found["is_intensity"] in {"是", "yes"}
    found["emissions_ratio"] = found["emissions_ratio"] or None
    year = found["baseline_year"]
    found["baseline_year"] = int(year) if re.fullmatch("[0-9]{4}", year) else year
    pairs = [pair.partition(":") for pair in re.split("[,，]", found["history"].replace("：", ":")) if pair]
    found["history"] = [
        {"year": int(year) if re.fullmatch("[0-9]{4}", year.strip()) else year, "value": value.strip()}
        for year, _, value in pairs
    ]
    return found


def _observations(form: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for line in _lines(form, "observations"):
        first, second, *targets = [*re.split(r"[\s,，]+", line), ""]
        found.append(
            {
                "observation_date": first,
                "report_due_date": second,
                "targets": [
                    {"kpi_code": code.strip(), "value": value.strip()}
                    for code, _, value in (one.partition("=") for one in targets if one)
                ],
            }
        )
    return found


def _steps(form: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for line in _lines(form, "steps"):
        key, _, step = line.replace("：", ":").partition(":")
        found.append({"key": key.strip(), "step_bp": _whole({"step": step}, "step")})
    return found


def _points(form: Mapping[str, str]) -> dict[str, str] | None:
    parts = [one.strip() for one in re.split("[,，]", _text(form, "points")) if one.strip()]
    names = ("base_score", "bp_per_point", "fraction", "cap_bp")
    if not parts:
        return None
    if len(parts) != len(names):
        raise InvalidInput(f"{len(parts)} terms by points", zh="按分数的条款须填四项，以逗号分隔", field="points")
    return dict(zip(names, parts, strict=True))
