"""What a bank must do today: calls, unknown freezes, deadlines ahead, most urgent first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.web.filters import cny, number
from carbonfin.web.language import Text
from collateral.calc.coverage import TopUp
from collateral.calc.coverage_rules import CoverageLevel
from collateral.service import Desk, DeskPledge, DeskRepo
from collateral.service.desk import DeskHeadroom

BREACH, WARNING, INFORMATION = "breach", "warning", "information"
_GRAVITY = {BREACH: 0, WARNING: 1, INFORMATION: 2}
_DEADLINE_NEAR_DAYS = 60
_NO_DAY = date.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing to do: how grave, what, why, by when, and where it is done.

    Attributes:
        kind: breach, warning or information.
        due: The day by which; None where the thing has no day.
        decision_id: The decision that raised it, or empty.
        unconfirmed: What it rests on that is not confirmed, if anything.
    """

    kind: str
    state: Text
    subject: Text
    why: Text
    due: date | None
    address: str
    decision_id: str = ""
    unconfirmed: Text | None = None


def alerts_of(desk: Desk, *, parameter_names: Mapping[str, Text]) -> tuple[Alert, ...]:
    """Give the alerts of a desk: breaches before warnings, then by day.

    Args:
        desk: What the bank's collateral desk sees.
        parameter_names: Words for the parameters that alerts rest on, by `key[scope]`.
    """
    found = [
        *_pledges(desk, parameter_names), *_repos(desk), *_unknown(desk), *_deadlines(desk, parameter_names)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda alert: (_GRAVITY[alert.kind], alert.due or _NO_DAY)))


def _pledges(desk: Desk, names: Mapping[str, Text]) -> Iterator[Alert]:
    for line in desk.pledges:
        coverage = line.coverage
        if coverage is None or coverage.level not in {CoverageLevel.WARNING, CoverageLevel.DISPOSAL}:
            continue
        disposal = coverage.level is CoverageLevel.DISPOSAL
        ways = _ways(coverage.cash_to_initial_cny, "元", "CNY", coverage.top_ups)
        ratio = number(coverage.coverage_ratio, 4)
        yield Alert(
            kind=BREACH if disposal else WARNING,
            state=Text("处置线", "Liquidation level") if disposal else Text("预警", "Warning level"),
            subject=_subject(line),
            why=Text(
                f"覆盖率 {ratio}，低于预警线 {number(coverage.warning_ratio, 2)}；补至初始线须{ways.zh}",
                f"coverage {ratio} below {number(coverage.warning_ratio, 2)}; to the initial line: {ways.en}",
            ),
            due=line.call.deadline if line.call is not None else None,
            address=f"/pledges/{line.pledge.id}",
            decision_id=coverage.decision_id,
            unconfirmed=_named(coverage.unconfirmed, names),
        )


def _repos(desk: Desk) -> Iterator[Alert]:
    for line in desk.called_repos:
        call = line.call
        assert call is not None, "a called repo has its call"
        ways = _ways(call.cash_amount, _currency_zh(call.currency), call.currency, call.top_ups)
        yield Alert(
            kind=WARNING,
            state=Text("追加担保", "Margin call"),
            subject=_repo_subject(line),
            why=Text(f"净敞口超过最低转让额，须{ways.zh}", f"net exposure above the minimum transfer: {ways.en}"),
            due=call.deadline,
            address=f"/repos/{line.repo.id}",
            decision_id=call.decision_id,
        )


def _unknown(desk: Desk) -> Iterator[Alert]:
    for line in desk.unknown:
        yield Alert(
            kind=BREACH,
            state=Text("冻结状态未知", "Freeze unknown"),
            subject=_subject(line),
            why=Text(
                "登记机构未答复；查询明确前不得放款，配额保持占用",
                "the registry has not answered; no drawdown before it is known, the units stay held",
            ),
            due=None,
            address=f"/pledges/{line.pledge.id}",
        )


def _deadlines(desk: Desk, names: Mapping[str, Text]) -> Iterator[Alert]:
    for line in desk.headrooms:
        record = line.record
        yield Alert(
            kind=_deadline_kind(line),
            state=Text("履约倒计时", "Surrender ahead"),
            subject=Text(
                f"{line.party_name} · {record.scheme} {record.compliance_year} 年度",
                f"{line.party_name} · {record.scheme} {record.compliance_year}",
            ),
            why=Text(
                f"距清缴截止 {line.days_left} 天，履约余量 {number(record.headroom_t)} 吨",
                f"{line.days_left} days to surrender, headroom {number(record.headroom_t)} t",
            ),
            due=record.surrender_date,
            address=f"/enterprises/{record.party_id}",
            decision_id=record.decision_id,
            unconfirmed=_named(record.unconfirmed, names),
        )


def _deadline_kind(line: DeskHeadroom) -> str:
    if line.record.headroom_t < 0:
        return BREACH
    return WARNING if line.days_left <= _DEADLINE_NEAR_DAYS else INFORMATION


def _subject(line: DeskPledge) -> Text:
    return Text(f"质押 {line.pledge.code} · {line.pledgor_name}", f"Pledge {line.pledge.code} · {line.pledgor_name}")


def _repo_subject(line: DeskRepo) -> Text:
    code = line.repo.terms.code
    return Text(
        f"回购 {code} · {line.seller_name} / {line.buyer_name}", f"Repo {code} · {line.seller_name} / {line.buyer_name}"
    )


def _ways(cash: Decimal, unit_zh: str, unit_en: str, top_ups: tuple[TopUp, ...]) -> Text:
    units_zh = "，或 ".join(f"{top_up.unit} {number(top_up.quantity_t)} 吨" for top_up in top_ups)
    units_en = " or ".join(f"{number(top_up.quantity_t)} t of {top_up.unit}" for top_up in top_ups)
    return Text(
        f"追加现金 {cny(cash)} {unit_zh}" + (f"，或 {units_zh}" if units_zh else ""),
        f"{unit_en} {cny(cash)} in cash" + (f", or {units_en}" if units_en else ""),
    )


def _named(keys: tuple[str, ...], names: Mapping[str, Text]) -> Text | None:
    if not keys:
        return None
    texts = [names.get(key, Text(key, key)) for key in keys]
    return Text("、".join(text.zh for text in texts), ", ".join(text.en for text in texts))


def _currency_zh(currency: str) -> str:
    return {"CNY": "元", "HKD": "港元"}.get(currency, currency)
