"""Rate, decide a rate, make a schedule, draft a term sheet and write its files."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.terminal import Terminal, content_of, terminal_of
from carbonfin.web.wire import day_of
from loans import service
from loans.calc.contracts.terms import AccrualDates, LoanTerms, RepaymentMethod
from loans.calc.facilities import ResetDay, Returns, StopsFrom
from loans.calc.loan_costs import LoanFee, PaymentWay
from loans.calc.term_lines import percent
from loans.calc.term_requests import LoanRequest
from loans.schemas.term_sheets import NO_FEES

commands = typer.Typer(no_args_is_help=True, help="降碳贷：评级、利率、还款计划、条款清单 / loans")

_Usci = Annotated[str, typer.Argument(help="统一社会信用代码 / USCI of the borrower")]
_Margin = Annotated[int, typer.Option("--margin-bp", help="加减点，BP / margin over LPR")]
_Tenor = Annotated[str, typer.Option("--lpr-tenor", help="LPR 期限：1Y 或 5Y / tenor")]
_Principal = Annotated[str, typer.Option("--principal-cny", help="贷款金额，元 / principal")]
_Drawdown = Annotated[str, typer.Option("--drawdown", help="提款日 YYYY-MM-DD / drawdown date")]
_Maturity = Annotated[str, typer.Option("--maturity", help="到期日 YYYY-MM-DD / maturity date")]
_Method = Annotated[RepaymentMethod, typer.Option("--method", help="还款方式 / repayment method")]
_Months = Annotated[int, typer.Option("--interest-period-months", help="付息频率，月 / months between interest days")]
_SettlementDay = Annotated[int, typer.Option("--settlement-day", help="结息日 / settlement day")]
_Basis = Annotated[DayCount, typer.Option("--basis", help="计息基础 / day count")]


@commands.command("rating")
def rating(
    context: typer.Context, usci: _Usci, year: Annotated[int | None, typer.Option(help="年度 / year")] = None
) -> None:
    """按本系统自有方法评级并留存决定 / rate an enterprise by the own method."""
    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        party = party_by_code(session, terminal.actor, usci)
        recorded = service.rate_enterprise(
            session, terminal.actor, party.id, year=year, valid_on=standing.business_date, known_at=standing.known_at
        )
    outcome = recorded.outcome
    terminal.answer(
        {
            "decision_id": recorded.decision_id,
            "company_t": outcome.current.company_t,
            "cut_ratio": outcome.cut_ratio,
            "intensity_t_per_10k_cny": outcome.intensity_t_per_10k_cny,
            "band": outcome.band,
            "ratio_to_mean": outcome.ratio_to_mean,
            "level": outcome.level,
            "missing": [missing.zh for missing in outcome.missing],
        }
    )


@commands.command("rate")
def rate(
    context: typer.Context, usci: _Usci, margin_bp: _Margin, applies_from: _Drawdown, lpr_tenor: _Tenor = "1Y"
) -> None:
    """决定降碳贷利率并留存决定 / decide an emission-cut loan's rate."""
    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        recorded = service.decide_rate(
            session,
            terminal.actor,
            party_by_code(session, terminal.actor, usci).id,
            margin_bp=margin_bp,
            lpr_tenor=lpr_tenor,
            applies_from=_day(applies_from, "drawdown"),
            decided_on=standing.business_date,
            known_at=standing.known_at,
        )
    outcome = recorded.outcome
    terminal.answer(
        {
            "decision_id": recorded.decision_id,
            "status": outcome.status,
            "rate_before_concession": outcome.rate_before_concession,
            "concession_bp": outcome.concession_bp,
            "executed_rate": outcome.executed_rate,
            "missing": [missing.zh for missing in outcome.missing],
        }
    )


@commands.command("rates")
def rates(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="借款人名单：CSV 或 xlsx / borrowers with their margins")],
    applies_from: _Drawdown,
    lpr_tenor: _Tenor = "1Y",
) -> None:
    """批量决定降碳贷利率并留存 / decide the rates of many borrowers at once."""
    terminal = terminal_of(context)
    requests = service.read_rate_requests(content_of(file), file_name=file.name)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        made = service.decide_rates(
            session,
            terminal.actor,
            requests,
            lpr_tenor=lpr_tenor,
            applies_from=_day(applies_from, "drawdown"),
            decided_on=standing.business_date,
            known_at=standing.known_at,
        )
    inputs = made.batch.inputs
    terminal.answer(
        {
            "batch_id": made.batch.decision_id,
            "rates_count": inputs.items_count,
            "decided_count": made.decided_count,
            "not_decided_count": made.not_decided_count,
            "items_digest": inputs.items_digest,
            "left_out": [f"{one.usci} {one.zh}" for one in inputs.left_out],
        }
    )


@commands.command("batch-rate")
def batch_rate(
    context: typer.Context,
    batch_id: Annotated[str, typer.Argument(help="批次编号 / batch")],
    place: Annotated[int, typer.Argument(help="第几项，自 1 起 / which of its rates, from 1")],
) -> None:
    """列出批内一项的计算过程，由留存记录重建 / one rate of a batch with its trace, made again from the record."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        rebuilt = service.rebuilt_rate_of(session, terminal.actor, batch_id, place)
    terminal.answer(
        {
            "usci": rebuilt.kept.item.usci,
            "executed_rate": rebuilt.decision.executed_rate,
            "trace_is_rebuilt": True,
            "same": rebuilt.same,
            "trace": [f"{one.label_zh} = {one.value} {one.unit}".strip() for one in rebuilt.decision.trace],
        }
    )


@commands.command("schedule")
def schedule(
    context: typer.Context,
    *,
    principal_cny: _Principal,
    annual_rate: Annotated[str, typer.Option("--rate", help="年利率，小数 / annual rate, decimal")],
    drawdown: _Drawdown,
    maturity: _Maturity,
    method: _Method = RepaymentMethod.BULLET,
    interest_period_months: _Months = 1,
    settlement_day: _SettlementDay = 20,
    basis: _Basis = DayCount.ACT_360,
) -> None:
    """生成还款计划并留存决定 / make a repayment schedule."""
    terminal = terminal_of(context)
    terms = LoanTerms(
        principal_cny=_decimal(principal_cny, "principal_cny"),
        drawdown_date=_day(drawdown, "drawdown"),
        maturity_date=_day(maturity, "maturity"),
        rate=_decimal(annual_rate, "rate"),
        basis=basis,
        method=method,
        interest_period_months=interest_period_months,
        settlement_day=settlement_day,
        accrual_dates=AccrualDates.UNADJUSTED,
    )
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        recorded = service.make_schedule(
            session, terminal.actor, terms, valid_on=standing.business_date, known_at=standing.known_at
        )
    columns = ("number", "end", "days", "payment_date", "provisional", "interest_cny", "principal_cny", "payment_cny")
    terminal.answer(list(recorded.outcome.rows), columns=columns)
    terminal.say(f"利息合计 {recorded.outcome.interest_total_cny} 元，决定 {recorded.decision_id}")


@commands.command("term-sheet")
def term_sheet(
    context: typer.Context,
    *,
    usci: _Usci,
    principal_cny: _Principal,
    credit_line_cny: Annotated[str, typer.Option("--credit-line-cny", help="授信额度，元 / credit line")],
    drawdown: _Drawdown,
    maturity: _Maturity,
    margin_bp: _Margin,
    purpose: Annotated[str, typer.Option(help="贷款用途 / purpose")],
    guarantee: Annotated[str, typer.Option(help="担保方式 / security")],
    product: Annotated[str, typer.Option(help="贷款产品 / product")] = "降碳贷",
    loan_kind: Annotated[str, typer.Option(help="贷款种类 / kind of loan")] = "流动资金贷款",
    lpr_tenor: _Tenor = "1Y",
    method: _Method = RepaymentMethod.BULLET,
    interest_period_months: _Months = 1,
    settlement_day: _SettlementDay = 20,
    basis: _Basis = DayCount.ACT_360,
    reset_months: Annotated[int | None, typer.Option(help="重定价周期，月；不填为固定利率 / reset cycle")] = None,
    reset_day: Annotated[ResetDay | None, typer.Option(help="重定价日 / reset day")] = None,
    fixing_lag_days: Annotated[int | None, typer.Option(help="取重定价日前几日的 LPR / fixing lag")] = None,
    concession_stop_days: Annotated[int | None, typer.Option(help="逾期超过几日停止优惠 / days past due")] = None,
    concession_stops_from: Annotated[StopsFrom | None, typer.Option(help="停止起算日 / it stops from")] = None,
    concession_returns: Annotated[Returns | None, typer.Option(help="清偿后恢复 / once it is paid")] = None,
    link: Annotated[str | None, typer.Option(help="挂钩条款编号 / sustainability link")] = None,
    payment_way: Annotated[PaymentWay | None, typer.Option(help="支付方式 / way of payment")] = None,
    fee: Annotated[list[str] | None, typer.Option(help="费用，名称:金额，可多次；无 / name:amount, or none")] = None,
    out: Annotated[Path | None, typer.Option(help="写出 PDF 与 Word 的目录 / folder for PDF and Word")] = None,
) -> None:
    """起草贷款条款清单，可写出 PDF 与 Word / draft a term sheet."""
    terminal = terminal_of(context)
    request = LoanRequest(
        product=product, loan_kind=loan_kind, purpose=purpose, guarantee=guarantee,
        credit_line_cny=_decimal(credit_line_cny, "credit_line_cny"),
        principal_cny=_decimal(principal_cny, "principal_cny"), drawdown_date=_day(drawdown, "drawdown"),
        maturity_date=_day(maturity, "maturity"), method=method, interest_period_months=interest_period_months,
        settlement_day=settlement_day, basis=basis, accrual_dates=AccrualDates.UNADJUSTED, reset_months=reset_months,
        reset_day=reset_day, fixing_lag_days=fixing_lag_days, concession_stop_days=concession_stop_days,
        concession_stops_from=concession_stops_from, concession_returns=concession_returns,
        payment_way=payment_way, fees=None if fee is None else _fees(fee),
    )  # fmt: skip
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        draft = service.TermSheetDraft(
            party_id=party_by_code(session, terminal.actor, usci).id,
            request=request,
            margin_bp=margin_bp,
            lpr_tenor=lpr_tenor,
            number=None,
            entry={},
            link_number=link,
        )
        stored = service.draft_term_sheet(
            session, terminal.actor, draft, issued_on=standing.business_date, known_at=standing.known_at
        )
    _answer_term_sheet(terminal, stored, _write_files(terminal, stored, out) if out is not None else [])


def _answer_term_sheet(terminal: Terminal, stored: service.StoredTermSheet, files: list[str]) -> None:
    executed = stored.sheet.rate.executed_rate
    terminal.answer(
        {
            "number": stored.entry.number,
            "version": stored.entry.version,
            "executed_rate": None if executed is None else percent(executed),
            "interest_total_cny": None if stored.sheet.schedule is None else stored.sheet.schedule.interest_total_cny,
            "saving_cny": stored.sheet.saving_cny,
            "decision_id": stored.entry.decision_id,
            "files": files,
        }
    )


def _write_files(terminal: Terminal, stored: service.StoredTermSheet, folder: Path) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{stored.entry.number}-v{stored.entry.version}"
    addresses = {"address": "", "verified_at": terminal.verification_address}
    with terminal.sessions.read() as session:
        contents = {
            f"{stem}.pdf": service.term_sheet_pdf(session, terminal.actor, stored, **addresses),
            f"{stem}.docx": service.term_sheet_docx(session, terminal.actor, stored, **addresses),
        }
    for name, content in contents.items():
        folder.joinpath(name).write_bytes(content)
    return [str(folder / name) for name in contents]


def _fees(texts: list[str]) -> tuple[LoanFee, ...]:
    pairs = (one.rpartition(":") for one in texts if one not in {NO_FEES, "none"})
    return tuple(LoanFee(name=name, amount_cny=_decimal(amount, "fees")) for name, _, amount in pairs)


def _day(text: str, field: str) -> date:
    return day_of(text, field=field)


def _decimal(text: str, field: str) -> Decimal:
    return parse_decimal(text, field=field)
