"""What comes next in an enforcement, and who must do it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class NextAct(StrEnum):
    """The act an enforcement waits for."""

    DECIDE = "decide"
    DECLARE = "declare"
    CHOOSE_MEANS = "choose_means"
    SELL = "sell"
    AWAIT_REGISTRY = "await_registry"
    ASK_AGAIN = "ask_again"
    DISTRIBUTE = "distribute"
    AWAIT_RELEASE = "await_release"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActWords:
    """An act in words, and whose it is."""

    zh: str
    en: str
    who_zh: str
    who_en: str


_OFFICER = ("客户经理（经办）", "loan officer (maker)")
_CHECKER = ("复核人", "checker")
_REGISTRY = ("登记机构（由登记同步查询）", "the registry (asked by registry-sync)")


def _words(zh: str, en: str, who: tuple[str, str]) -> ActWords:
    return ActWords(zh=zh, en=en, who_zh=who[0], who_en=who[1])


ACT_WORDS: Mapping[NextAct, ActWords] = {
    NextAct.DECIDE: _words("复核待批事项", "Decide what was proposed", _CHECKER),
    NextAct.DECLARE: _words("如已违约，提请宣布违约", "Propose the default where there is one", _OFFICER),
    NextAct.CHOOSE_MEANS: _words("提请处置方式（拍卖或协议转让）", "Propose the means: auction or transfer", _OFFICER),
    NextAct.SELL: _words("登记成交或流拍", "Record the sale, or that it failed", _OFFICER),
    NextAct.AWAIT_REGISTRY: _words("等待登记机构办理过户", "Wait for the registry to hand over", _REGISTRY),
    NextAct.ASK_AGAIN: _words("处理登记机构所指问题，重新申请过户", "Mend it and ask the registry again", _OFFICER),
    NextAct.DISTRIBUTE: _words("提请处置价款分配", "Propose to share out the proceeds", _OFFICER),
    NextAct.AWAIT_RELEASE: _words("等待登记机构解冻剩余配额", "Wait for what is left to be unfrozen", _REGISTRY),
    NextAct.NOTHING: _words("无", "Nothing", ("—", "—")),
}


def next_act(
    *, pledge_state: str, has_waiting: bool, has_means: bool, transfer_state: str | None, may_default: bool
) -> NextAct:
    """Give the act that comes next.

    Args:
        pledge_state: Where the pledge stands.
        has_waiting: Whether a proposal waits for another person.
        has_means: Whether a means was chosen.
        transfer_state: How the request to hand over what was sold stands; None where there is none.
        may_default: Whether the pledge's state leads to a default.
    """
    if has_waiting:
        return NextAct.DECIDE
    if pledge_state == "ENFORCING":
        return NextAct.SELL if has_means else NextAct.CHOOSE_MEANS
    if pledge_state == "ENFORCED":
        by_transfer = {"OPEN": NextAct.AWAIT_REGISTRY, "REJECTED": NextAct.ASK_AGAIN}
        return by_transfer.get(transfer_state or "", NextAct.DISTRIBUTE)
    if pledge_state in {"UNFREEZE_REQUESTED", "UNFREEZE_UNKNOWN"} and transfer_state is not None:
        return NextAct.AWAIT_RELEASE
    return NextAct.DECLARE if may_default else NextAct.NOTHING
