"""The collateral register (押品台账) as the workbook a bank files, each value with where it comes from."""

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

from carbonfin.documents.workbooks import (
    CellKind,
    CellValue,
    Provenance,
    SheetColumn,
    SheetTable,
    Workbook,
    write_workbook,
)
from carbonfin.kernel.allowances import SCHEME_NAMES_ZH
from carbonfin.rules.parameters import ParameterValue
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.holding_rights import ALLOWED
from collateral.calc.pledge import STATE_NAMES_ZH
from collateral.calc.register import BASE_NAMES, AcceptedClass, Register, RegisterPledge
from collateral.calc.surrender import SAFE_DATE_NOTES_ZH

_PLACES = Decimal("0.0001")
_UNCONFIRMED = "未确认"
_LEVELS = {
    CoverageLevel.COVERED: "足额", CoverageLevel.BELOW_INITIAL: "低于初始线", CoverageLevel.WARNING: "预警",
    CoverageLevel.DISPOSAL: "处置",
}  # fmt: skip
_SAMPLE = "示例数据，不得报送"
_GUIDE = (
    "押品品种：本行已录入折扣系数与取价方法的品种方可接受为押品；未列品种不接受。",
    "抵质押率上限 =（1 − 折扣系数）/ 初始线，向下取四位小数；抵质押率 = 贷款本金 / 押品市值。",
    "担保覆盖率 = 押品价值 / 债权合计。",
    "估值日为最近一次计算担保覆盖率的业务日期；估值价格、折扣系数、市值与押品价值取自该日的决定记录，不另行重算。",
    "估值人为该决定记录上的经办身份；系统内没有外部评估机构的记录，委托外部评估的请另附评估报告。",
    "集中度 = 该名称的押品市值 / 存续质押与本行为交易本方的存续回购的押品市值合计，分子分母均为折扣前。",
    "清单上限 = 合格担保品清单内的集中度上限，按业务日期的价格计；占比的基数为该清单合格的存续押品，不少于其最低基数。",
    "未录入限额的写“未设限额”，不作是否超限的判断。",
    "标“未确认”的依据为转述、凭记忆或示例，须由有权人员对照原文确认后方可作为报送依据。",
)


def register_workbook(register: Register, *, created_at: datetime) -> bytes:
    """Write the register as a workbook; the same register gives the same bytes."""
    return write_workbook(
        Workbook(
            title=f"押品台账（{register.bank}，{register.business_date}）",
            sheets=(
                _classes(register),
                _held(register),
                _coverages(register),
                _concentrations(register),
                *_schedules(register),
                _let_go(register),
            ),
            created_at=created_at,
            guide=_GUIDE,
            provenance=tuple(_provenance(register)),
        )
    )


def _sheet(
    register: Register, name: str, title: str, columns: tuple[SheetColumn, ...], rows: Iterable[tuple[CellValue, ...]],
    *, notes: tuple[str, ...] = (),
) -> SheetTable:  # fmt: skip
    return SheetTable(
        name=name,
        title=f"{title}（业务日期 {register.business_date}）",
        columns=columns,
        rows=tuple(rows),
        reporting_body=register.bank,
        reported_on=register.business_date,
        banner=_SAMPLE if register.is_sample else None,
        notes=notes,
    )


def _source(value: ParameterValue) -> str:
    return " ".join(filter(None, (value.document, value.article)))


def _confirmed(values: Iterable[ParameterValue | None]) -> str:
    loose = [one for one in values if one is not None and not one.confirmed]
    return "；".join(dict.fromkeys(f"{_UNCONFIRMED}：{one.note or _source(one)}" for one in loose)) or "已确认"


def _right(value: ParameterValue | None) -> str:
    if value is None:
        return "未载明"
    return ("可" if value.value == ALLOWED else "不可") + ("" if value.confirmed else f"（{_UNCONFIRMED}）")


def _classes(register: Register) -> SheetTable:
    kinds = [kind for kind, _ in register.classes[0].pledge_rights] if register.classes else []
    columns = (
        SheetColumn(label="品种", kind=CellKind.CODE),
        SheetColumn(label="名称", kind=CellKind.TEXT, width=22),
        SheetColumn(label="估值方法", kind=CellKind.TEXT, width=30),
        SheetColumn(label="折扣系数", kind=CellKind.RATIO),
        SheetColumn(label="初始线", kind=CellKind.RATIO),
        SheetColumn(label="抵质押率上限", kind=CellKind.RATIO),
        *(SheetColumn(label=f"{kind}出质", kind=CellKind.TEXT, width=16) for kind in kinds),
        SheetColumn(label="生效日", kind=CellKind.DAY),
        SheetColumn(label="折扣系数依据", kind=CellKind.TEXT, width=34),
        SheetColumn(label="录入与复核", kind=CellKind.TEXT, width=24),
        SheetColumn(label="确认情况", kind=CellKind.TEXT, width=40),
    )
    return _sheet(
        register, "押品品种", "可接受押品品种与抵质押率", columns, (_class_row(one) for one in register.classes),
        notes=("折扣系数空缺的，由折扣系数表按配额年度确定。",),
    )  # fmt: skip


def _class_row(one: AcceptedClass) -> tuple[CellValue, ...]:
    rights = [answer for _, answer in one.pledge_rights]
    return (
        one.scheme.value,
        SCHEME_NAMES_ZH[one.scheme],
        one.policy_label,
        one.haircut_ratio,
        one.initial.decimal,
        one.ceiling_ratio,
        *(_right(answer) for answer in rights),
        one.price_part.valid_from,
        _source(one.price_part),
        "、".join(one.price_part.approved_by),
        _confirmed((one.price_part, one.policy, one.initial, *rights)),
    )


def _held(register: Register) -> SheetTable:
    columns = (
        SheetColumn(label="质押编号", kind=CellKind.CODE),
        SheetColumn(label="出质人", kind=CellKind.TEXT, width=30),
        SheetColumn(label="统一社会信用代码", kind=CellKind.CODE, width=22),
        SheetColumn(label="品种", kind=CellKind.CODE),
        SheetColumn(label="数量", unit="吨", kind=CellKind.TONNES),
        SheetColumn(label="状态", kind=CellKind.TEXT, width=14),
        SheetColumn(label="中登网登记证明编号", kind=CellKind.CODE, width=22),
        SheetColumn(label="登记机构冻结", kind=CellKind.TEXT, width=30),
        SheetColumn(label="估值日", kind=CellKind.DAY),
        SheetColumn(label="估值价格", unit="元/吨", kind=CellKind.PRICE),
        SheetColumn(label="价格来源", kind=CellKind.TEXT, width=34),
        SheetColumn(label="折扣系数", kind=CellKind.RATIO),
        SheetColumn(label="市值", unit="元", kind=CellKind.MONEY, totalled=True),
        SheetColumn(label="押品价值", unit="元", kind=CellKind.MONEY, totalled=True),
        SheetColumn(label="估值人", kind=CellKind.TEXT, width=18),
        SheetColumn(label="决定记录", kind=CellKind.CODE, width=38),
        SheetColumn(label="序号段", kind=CellKind.TEXT, width=34),
    )
    rows = (row for one in register.pledges for row in _held_rows(one))
    return _sheet(
        register, "押品台账", "押品台账", columns, rows,
        notes=("估值各列空缺的，该品种尚未计算过担保覆盖率。不同品种的吨数不相加。",),
    )  # fmt: skip


def _held_rows(one: RegisterPledge) -> Iterable[tuple[CellValue, ...]]:
    for line in one.lines:
        valued, coverage = line.valued, one.coverage
        struck = valued is not None and coverage is not None
        yield (
            one.pledge.code,
            one.pledgor_name,
            one.pledgor_code,
            line.unit,
            line.quantity_t,
            STATE_NAMES_ZH[one.pledge.state],
            one.pledge.registration_number or "未登记",
            one.freeze_reference or "无冻结凭证",
            coverage.business_date if struck and coverage else None,
            valued.price_cny_per_t if valued else None,
            line.price_source,
            valued.haircut_ratio if valued else None,
            valued.market_value_cny if valued else None,
            valued.collateral_value_cny if valued else None,
            line.valuer,
            coverage.decision_id if struck and coverage else None,
            "；".join(map(str, line.serials)),
        )


def _coverages(register: Register) -> SheetTable:
    columns = (
        SheetColumn(label="质押编号", kind=CellKind.CODE),
        SheetColumn(label="出质人", kind=CellKind.TEXT, width=30),
        SheetColumn(label="估值日", kind=CellKind.DAY),
        SheetColumn(label="债权合计", unit="元", kind=CellKind.MONEY, totalled=True),
        SheetColumn(label="市值", unit="元", kind=CellKind.MONEY, totalled=True),
        SheetColumn(label="押品价值", unit="元", kind=CellKind.MONEY, totalled=True),
        SheetColumn(label="抵质押率", kind=CellKind.RATIO),
        SheetColumn(label="担保覆盖率", kind=CellKind.RATIO),
        SheetColumn(label="预警线", kind=CellKind.RATIO),
        SheetColumn(label="等级", kind=CellKind.TEXT),
        SheetColumn(label="处置天数", unit="交易日", kind=CellKind.COUNT, width=18),
        SheetColumn(label="到期日", kind=CellKind.DAY),
        SheetColumn(label="最后安全日", kind=CellKind.TEXT, width=22),
        SheetColumn(label="未确认事项", kind=CellKind.TEXT, width=44),
    )
    rows = (_coverage_row(one) for one in register.pledges if one.coverage is not None)
    return _sheet(register, "抵质押率", "抵质押率与担保覆盖率", columns, rows)


def _coverage_row(one: RegisterPledge) -> tuple[CellValue, ...]:
    struck = one.coverage
    assert struck is not None
    safe = struck.safe_date
    return (
        one.pledge.code,
        one.pledgor_name,
        struck.business_date,
        struck.debt_cny,
        struck.market_value_cny,
        struck.collateral_value_cny,
        _floored(struck.ltv_ratio),
        None if struck.coverage_ratio is None else _floored(struck.coverage_ratio),
        struck.warning_ratio,
        _LEVELS[struck.level],
        struck.closeout_days,
        one.pledge.end_date,
        "；".join(filter(None, (str(safe.day or ""), SAFE_DATE_NOTES_ZH[safe.kind]))),
        "；".join(one.unconfirmed),
    )


def _floored(ratio: Decimal) -> Decimal:
    return ratio.quantize(_PLACES, rounding=ROUND_FLOOR)


def _concentrations(register: Register) -> SheetTable:
    columns = (
        SheetColumn(label="口径", kind=CellKind.TEXT, width=12),
        SheetColumn(label="名称", kind=CellKind.TEXT, width=34),
        SheetColumn(label="市值", unit="元", kind=CellKind.MONEY),
        SheetColumn(label="占比", kind=CellKind.RATIO),
        SheetColumn(label="限额", kind=CellKind.RATIO),
        SheetColumn(label="结论", kind=CellKind.TEXT, width=14),
        SheetColumn(label="限额依据", kind=CellKind.TEXT, width=40),
    )
    rows = (
        (
            BASE_NAMES[one.base][0],
            one.name,
            one.market_value_cny,
            one.share_ratio,
            None if one.limit is None else one.limit.decimal,
            "未设限额" if one.limit is None else "超限" if one.is_breach else "未超限",
            "" if one.limit is None else f"{_source(one.limit)}{'' if one.limit.confirmed else f'（{_UNCONFIRMED}）'}",
        )
        for one in register.concentrations
    )
    return _sheet(
        register, "集中度", "押品集中度", columns, rows,
        notes=("占比的基数为存续质押押品的市值合计（折扣前）。三种口径各自合计为 100%，不得相加。",),
    )  # fmt: skip


def _schedules(register: Register) -> Iterable[SheetTable]:
    """Give the limits inside schedules with where the book stands; no sheet where no schedule limits what is held."""
    if not (register.schedule_shares or register.schedule_notes):
        return
    columns = (
        SheetColumn(label="担保品清单", kind=CellKind.TEXT, width=28),
        SheetColumn(label="上限", kind=CellKind.TEXT, width=34),
        SheetColumn(label="市值", unit="元", kind=CellKind.MONEY),
        SheetColumn(label="占比", kind=CellKind.RATIO),
        SheetColumn(label="比例上限", kind=CellKind.RATIO),
        SheetColumn(label="金额上限", unit="元", kind=CellKind.MONEY),
        SheetColumn(label="结论", kind=CellKind.TEXT, width=14),
        SheetColumn(label="基数", kind=CellKind.TEXT, width=40),
    )
    rows = (
        (
            line.schedule,
            line.share.label_zh,
            line.held_cny,
            line.share.after_ratio,
            line.share.limit_ratio if line.share.limit_cny is None else None,
            line.share.limit_cny,
            "超限" if line.share.is_above else "未超限",
            line.share.base_words[0],
        )
        for line in register.schedule_shares
    )
    yield _sheet(
        register, "清单上限", "合格担保品清单内的集中度上限", columns, rows,
        notes=("市值按业务日期的价格，折扣前，与“集中度”表按最近一次估值的市值可能不同。",
               *(one.zh for one in register.schedule_notes)),
    )  # fmt: skip


def _let_go(register: Register) -> SheetTable:
    columns = (
        SheetColumn(label="质押编号", kind=CellKind.CODE),
        SheetColumn(label="出质人", kind=CellKind.TEXT, width=30),
        SheetColumn(label="事项", kind=CellKind.TEXT, width=22),
        SheetColumn(label="日期", kind=CellKind.DAY),
        SheetColumn(label="品种与数量", kind=CellKind.TEXT, width=44),
        SheetColumn(label="还款或成交金额", unit="元", kind=CellKind.MONEY, width=22),
        SheetColumn(label="说明", kind=CellKind.TEXT, width=40),
        SheetColumn(label="经办", kind=CellKind.TEXT, width=16),
        SheetColumn(label="凭据（摘要或决定记录）", kind=CellKind.CODE, width=40),
    )
    rows = (
        (one.code, one.pledgor_name, one.kind, one.day, one.units, one.amount_cny, one.words, one.actor_name,
         one.evidence)
        for one in register.let_go
    )  # fmt: skip
    return _sheet(register, "解押与处置", "解押、变更与处置", columns, rows)


def _provenance(register: Register) -> Iterable[Provenance]:
    for one in register.parameters:
        scope = f"（{one.scope}）" if one.scope else ""
        yield Provenance(
            subject=f"{one.title_zh or one.key}{scope}", value=one.value,
            source=f"{_source(one)}；自 {one.valid_from} 起" + (f"；{one.note}" if one.note else ""),
            digest=one.digest, confirmed=one.confirmed,
        )  # fmt: skip
    for pledge in register.pledges:
        if pledge.coverage is not None:
            yield Provenance(
                subject=f"{pledge.pledge.code} 估值", value=str(pledge.coverage.collateral_value_cny),
                source=f"决定记录 {pledge.coverage.decision_id}", confirmed=not pledge.coverage.unconfirmed,
            )  # fmt: skip
