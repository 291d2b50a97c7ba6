"""What a term sheet says against greenwashing: its link with every check, and that no draft is recognised as green."""

from dataclasses import dataclass, field
from datetime import date

from carbonfin.rules.record import ADDED_LATER
from carbonfin.rules.trace import Figure
from loans.calc.green import NOT_BY_NAME_EN, NOT_BY_NAME_ZH, NOT_RECOGNISED_EN, NOT_RECOGNISED_ZH
from loans.calc.linked.integrity_terms import VERDICTS_EN, VERDICTS_ZH, IntegrityCheck, Verdict
from loans.calc.term_lines import TermGroup, TermLine

GROUP_NAME = "link-review"
GREEN_GROUP = "green"
NOT_REVIEWED_ZH = "尚未审查，不得视为通过"
NOT_REVIEWED_EN = "not reviewed, which is no pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPoint:
    """One check of a link's review.

    Attributes:
        confirmed: Whether two people stand for what it rests on.
    """

    check: IntegrityCheck
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedLink:
    """A link as a term sheet names it, with its last review.

    Attributes:
        ratchet: The adjustment of the margin in Chinese, line by line.
        ratchet_en: The same in English; sheets drafted before have none.
        decision_id: The decision that keeps the review; None where there is none.
        reviewed_on: The day of it.
        verdict: Over all checks; None where there is no review.
    """

    number: str
    contract_number: str
    document: str
    verifier: str
    ratchet: tuple[str, ...]
    decision_id: str | None
    reviewed_on: date | None
    verdict: Verdict | None
    points: tuple[CheckedPoint, ...]
    ratchet_en: tuple[str, ...] | None = field(default=None, metadata=ADDED_LATER)


def green_group() -> TermGroup:
    """Say that a loan is not recognised as green while it is only drafted, whatever its product is called."""
    return TermGroup(
        name=GREEN_GROUP,
        title_zh="绿色认定",
        title_en="Green recognition",
        lines=(
            _line("认定状态", "Standing", NOT_RECOGNISED_ZH, NOT_RECOGNISED_EN),
            _line("认定规则", "Rule", NOT_BY_NAME_ZH, NOT_BY_NAME_EN),
        ),
    )


def link_figures(link: ReviewedLink) -> list[Figure]:
    """Give the checks, what they rest on and the verdict as figures of the term sheet's trace."""
    if link.verdict is None:
        return []
    kinds = list(dict.fromkeys((one.check.source, one.confirmed) for one in link.points))
    sources = {kind: f"link_source.{number}" for number, kind in enumerate(kinds, start=1)}
    figures = [
        Figure(
            name=name, label_zh="挂钩条款审查依据", label_en="What the checks rest on", value=source, unit="",
            confirmed=confirmed, note_zh="" if confirmed else "出处与阈值未经两人确认",
            note_en="" if confirmed else "neither text nor threshold is confirmed",
        )
        for (source, confirmed), name in sources.items()
    ]  # fmt: skip
    checks = [
        Figure(
            name=f"link_check.{one.check.code}", label_zh=one.check.title_zh, label_en=one.check.title_en,
            value=one.check.verdict.value, unit="code", formula="the check by its facts",
            inputs=(sources[one.check.source, one.confirmed],), note_zh=one.check.evidence_zh,
            note_en=one.check.evidence_en,
        )
        for one in link.points
    ]  # fmt: skip
    return [
        *figures,
        *checks,
        Figure(
            name="link_verdict", label_zh="挂钩条款审查结论", label_en="Verdict on the link", value=link.verdict.value,
            unit="code",
            source=f"决定 {link.decision_id}", formula="failed if one failed, else unknown if one is, else passed",
            inputs=tuple(one.name for one in checks),
        ),
    ]  # fmt: skip


def link_group(link: ReviewedLink) -> TermGroup:
    """Give the lines of the link: what it is, the verdict, and each check with its evidence and source."""
    lines = [
        _line("挂钩条款", "Link", f"{link.number}（{link.document}）", f"{link.number} ({link.document})"),
        _line("借款合同", "Contract", link.contract_number, link.contract_number),
        _line("核查机构", "Verifier", link.verifier, link.verifier),
        _line("利差调整", "Ratchet", "；".join(link.ratchet), _ratchet_en(link)),
    ]
    if link.verdict is None or link.reviewed_on is None:
        lines.append(_line("审查结论", "Verdict", NOT_REVIEWED_ZH, NOT_REVIEWED_EN))
    else:
        day = link.reviewed_on.isoformat()
        lines.append(
            _line(
                "审查结论", "Verdict", f"{VERDICTS_ZH[link.verdict]}（{day} 审查）",
                f"{VERDICTS_EN[link.verdict]} (reviewed {day})", "link_verdict",
                unconfirmed=not all(one.confirmed for one in link.points),
            )
        )  # fmt: skip
    lines += [
        _line(
            one.check.title_zh, one.check.title_en, f"{VERDICTS_ZH[one.check.verdict]}：{one.check.evidence_zh}",
            f"{VERDICTS_EN[one.check.verdict]}: {one.check.evidence_en}", f"link_check.{one.check.code}",
            unconfirmed=not one.confirmed,
        )
        for one in link.points
    ]  # fmt: skip
    return TermGroup(
        name=GROUP_NAME,
        title_zh="可持续挂钩条款审查（防“漂绿”）",
        title_en="Review of the sustainability link (greenwashing)",
        lines=tuple(lines),
    )


def _ratchet_en(link: ReviewedLink) -> str:
    return "；".join(link.ratchet) if link.ratchet_en is None else "; ".join(link.ratchet_en)


def _line(
    label_zh: str, label_en: str, value_zh: str, value_en: str, figure_name: str = "", *, unconfirmed: bool = False
) -> TermLine:
    return TermLine(
        label_zh=label_zh, label_en=label_en, value_zh=value_zh, value_en=value_en, figure_name=figure_name,
        unconfirmed=unconfirmed,
    )  # fmt: skip
