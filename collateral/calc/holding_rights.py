"""Who may hold what: rights by scheme and kind of holder, from a dated table; where it says nothing, refused."""

from collections.abc import Callable
from enum import StrEnum

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import MissingData, NotPermitted
from carbonfin.rules.parameters import ParameterValue


class HolderKind(StrEnum):
    """What a holder is under the rules of a scheme."""

    KEY_EMITTER = "key_emitter"
    ENTERPRISE = "enterprise"
    BANK = "bank"
    FUND = "fund"
    FOREIGN = "foreign"
    AUTHORITY = "authority"
    EXCHANGE = "exchange"
    VERIFIER = "verifier"


HOLDER_NAMES_ZH: dict[HolderKind, str] = {
    HolderKind.KEY_EMITTER: "重点排放单位",
    HolderKind.ENTERPRISE: "其他企业",
    HolderKind.BANK: "银行",
    HolderKind.FUND: "基金",
    HolderKind.FOREIGN: "境外投资者",
    HolderKind.AUTHORITY: "主管部门及其他有关部门",
    HolderKind.EXCHANGE: "交易机构",
    HolderKind.VERIFIER: "核查机构",
}

BARRED_KINDS = frozenset({HolderKind.AUTHORITY, HolderKind.EXCHANGE, HolderKind.VERIFIER})
"""Bodies that never hold or trade, whatever a row says: read for Shenzhen; kept for the others, whose clause is not."""

_READ_FOR = frozenset({Scheme.SZA, Scheme.SZPHCER})
"""Schemes for which the bar was read: 深圳市人民政府令第343号, article 31."""


class HoldingRight(StrEnum):
    """What a holder may do with units."""

    HOLD = "hold"
    TRADE = "trade"
    PLEDGE = "pledge"
    TAKE_TITLE = "take_title"
    SURRENDER = "surrender"


RIGHT_NAMES_ZH: dict[HoldingRight, str] = {
    HoldingRight.HOLD: "持有",
    HoldingRight.TRADE: "交易",
    HoldingRight.PLEDGE: "出质",
    HoldingRight.TAKE_TITLE: "受让所有权",
    HoldingRight.SURRENDER: "清缴",
}

ALLOWED, BARRED = "allowed", "barred"


def right_scope(scheme: Scheme, kind: HolderKind, right: HoldingRight) -> str:
    """Name the place of an answer in the dated table: `SZA/bank/take_title`."""
    return f"{scheme}/{kind}/{right}"


def require_right(
    scheme: Scheme, kind: HolderKind, right: HoldingRight, *, find: Callable[[str], ParameterValue | None]
) -> ParameterValue:
    """Give the dated answer that allows it, for the trace; `find` looks a scope up in the table as of a day.

    Raises:
        NotPermitted: The table bars it, or the holder is a body that is always barred.
        MissingData: The table does not say; nothing is assumed.
    """
    said = f"{kind} and the right to {right} {scheme} units"
    said_zh = f"{HOLDER_NAMES_ZH[kind]}{RIGHT_NAMES_ZH[right]} {scheme} 配额"
    if kind in BARRED_KINDS:
        is_read = scheme in _READ_FOR
        clause = "Order 343 of Shenzhen, article 31" if is_read else "the clause of this scheme is not confirmed"
        clause_zh = "深圳市人民政府令第343号第三十一条" if is_read else "本市场条款未确认，从严执行"
        raise NotPermitted(
            f"{said}: such bodies never hold or trade ({clause})",
            zh=f"{said_zh}：该类机构不得持有、买卖（{clause_zh}）",
            field="holder_kind",
        )
    answer = find(right_scope(scheme, kind, right))
    if answer is None:
        raise MissingData(
            f"{said}: the table of holding rights does not say",
            zh=f"{said_zh}：持有资格表未载明",
            field="holder_kind",
            remedy="Enter the answer with its source.",
            remedy_zh="请录入依据及结论。",
        )
    if answer.value != ALLOWED:
        raise NotPermitted(
            f"{said}: {answer.value} by {answer.document} {answer.article}",
            zh=f"{said_zh}：不允许（{answer.document} {answer.article}）",
            field="holder_kind",
        )
    return answer
