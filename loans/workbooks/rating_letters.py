"""The monthly letter on a rating (月度变动函): one page on what moved, why, and what the enterprise may do."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from carbonfin.documents.pdf import render_pdf
from carbonfin.documents.sheets import (
    Align,
    Column,
    Paragraphs,
    Row,
    Section,
    Sheet,
    Table,
    Term,
    TermGrid,
    Verification,
)
from carbonfin.rules.record import canonical
from loans.calc.account_entries import AccountEntry
from loans.calc.issued_documents import letter_number
from loans.calc.ratings.rating import ScorecardRating
from loans.calc.ratings.scorecard_decision import ScorecardInputs, ScorecardOutcome
from loans.workbooks.rating_reports import DISCLAIMER, OBJECTION_ZH, SAMPLE_BANNER

_CHANGES_SHOWN = 8


def rating_letter(
    inputs: ScorecardInputs,
    outcome: ScorecardOutcome,
    before: ScorecardOutcome | None,
    *,
    month: date,
    corrections: Sequence[AccountEntry],
    producer: str,
    decision_id: str,
    digest: str,
    is_sample: bool,
    verification: Verification,
) -> Sheet:
    """Give the letter of a month.

    Args:
        inputs: What the rating at the month's end was made of.
        outcome: That rating.
        before: The rating at the month's beginning; None where there was none.
        month: First day of the month.
        corrections: Lines corrected in the month, each with its reason.
        producer: Who writes.
        decision_id: The rating's decision.
        digest: Digest of that decision, printed in the footer.
        is_sample: Whether the figures are made up.
        verification: How a reader checks that it was issued.
    """
    rating = outcome.rating
    old = None if before is None else before.rating
    sections: list[Section] = [
        _changed(inputs, rating, old),
        Paragraphs(title_zh="说明", title_en="In words", texts=(_in_words(outcome, before),)),
    ]
    if old is not None and old.points is not None and rating.points is not None:
        sections.append(_by_factor(outcome, before))
    if corrections:
        texts = tuple(
            f"{one.label_zh}：{'作废' if one.quantity is None else f'{one.quantity:f} {one.unit}'}（{one.reason}）"
            for one in corrections[:_CHANGES_SHOWN]
        )
        if len(corrections) > _CHANGES_SHOWN:
            texts += (f"另有 {len(corrections) - _CHANGES_SHOWN} 项更正未在此列出，见企业碳账户明细。",)
        sections.append(Paragraphs(title_zh="本月更正的明细", title_en="Lines corrected", texts=texts))
    sections.append(Paragraphs(title_zh="异议与更正", title_en="Objection and correction", texts=(OBJECTION_ZH,)))
    return Sheet(
        title_zh="碳评级月度变动函",
        title_en="Monthly letter on changes of the carbon rating",
        subtitle=f"{inputs.name} · {month.year} 年 {month.month} 月",
        number=letter_number(decision_id, month),
        version="1",
        digest=digest,
        banner=SAMPLE_BANNER if is_sample else None,
        issued_on=inputs.rated_on,
        sections=tuple(sections),
        disclaimer=f"出具机构：{producer}。{DISCLAIMER}",
        verification=verification,
    )


def _changed(inputs: ScorecardInputs, rating: ScorecardRating, old: ScorecardRating | None) -> TermGrid:
    items = (
        ("企业", "Enterprise", inputs.name), ("统一社会信用代码", "USCI", inputs.usci),
        ("月初等级", "Letter before", "尚无评级" if old is None else old.letter or "未予评级"),
        ("月末等级", "Letter now", rating.letter or "未予评级"),
        ("月初得分", "Points before", _text(None if old is None else old.points)),
        ("月末得分", "Points now", _text(rating.points)),
        ("减排指标得分", "Emission-cut score", _text(rating.cut_points)),
        ("有效期至", "Valid to", rating.valid_to.isoformat()),
    )  # fmt: skip
    return TermGrid(
        title_zh="评级变动",
        title_en="What changed",
        items=tuple(Term(label_zh=zh, label_en=en, value=value) for zh, en, value in items),
    )


def rating_letter_pdf(document: Sheet, inputs: ScorecardInputs, *, created_at: datetime) -> bytes:
    """Set the letter as PDF with the inputs of the rating at the month's end attached."""
    values = json.dumps(canonical(inputs), ensure_ascii=False, sort_keys=True, indent=1)
    return render_pdf(
        document, attachments={"inputs.json": values.encode()}, created_at=created_at.replace(microsecond=0)
    )


def _in_words(outcome: ScorecardOutcome, before: ScorecardOutcome | None) -> str:
    rating = outcome.rating
    if before is None:
        return f"本月首次按评分卡评级：{rating.letter or '未予评级'}，得分 {_text(rating.points)}。"
    if (before.rating.letter, before.rating.points) == (rating.letter, rating.points):
        return "本月等级与得分未变动。"
    if before.rating.points is None or rating.points is None:
        return f"评级由 {before.rating.letter or '未予评级'} 变为 {rating.letter or '未予评级'}。"
    change = rating.points - before.rating.points
    if not change:
        letters = [one or "未予评级" for one in (before.rating.letter, rating.letter)]
        return f"得分仍为 {rating.points} 分，等级由 {letters[0]} 变为 {letters[1]}。"
    words = "上升" if change > 0 else "下降"
    return (
        f"得分由 {before.rating.points} {words} {abs(change)} 分至 {rating.points}，"
        f"等级由 {before.rating.letter} {'维持' if before.rating.letter == rating.letter else '变为'} {rating.letter}。"
    )


def _by_factor(outcome: ScorecardOutcome, before: ScorecardOutcome | None) -> Table:
    assert before is not None, "asked for with a rating before"
    old = {line.name: line.points for line in before.rating.factors}
    rows = tuple(
        Row(
            cells=(
                line.title_zh, str(old.get(line.name, Decimal(0))), str(line.points),
                f"{line.points - old.get(line.name, Decimal(0)):+}",
            )
        )
        for line in outcome.rating.factors
        if line.points != old.get(line.name, Decimal(0))
    )  # fmt: skip
    heads = ("月初", "月末", "变化")
    return Table(
        title_zh="各项得分变动", title_en="By factor",
        columns=(Column(label_zh="计分项"), *(Column(label_zh=head, unit="分", align=Align.RIGHT) for head in heads)),
        rows=rows or (Row(cells=("各项均未变动", "—", "—", "—")),),
    )  # fmt: skip


def _text(value: Decimal | None) -> str:
    return "—" if value is None else str(value)
