"""The auditor's registers as lines of words: sample, overrides, changes of rules, unconfirmed facts, the chain."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from sqlmodel import Session

from carbonfin.app.approvals.kinds import STATE_WORDS, kind_words
from carbonfin.app.audit.lines import Asked, Cell, Register, RegisterKind
from carbonfin.app.audit.unused_facts import unused_facts
from carbonfin.app.decisions.kinds import title_of
from carbonfin.app.decisions.words import checker_words
from carbonfin.app.rulebook.parameter_list import GRADE_WORDS
from carbonfin.app.rulebook.saved_drafts import backdated
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import CHINA, china_day
from carbonfin.kernel.errors import NotFound
from carbonfin.rules.parameters import Grade, clause_line
from carbonfin.storage.approvals import Approval, approval_page, override_page
from carbonfin.storage.decisions import (
    DecisionRecord,
    chain_state,
    sample_decisions,
    unconfirmed_page,
    verify_signed_chain,
)
from carbonfin.storage.keyset import Place
from carbonfin.storage.rulebook import PARAMETER_APPROVAL, TABLE_APPROVAL
from carbonfin.web.language import Text

SAMPLE_MAX = 200
_READ_AT_ONCE = 1000
UNASKED_MAX = 20_000
"""A longer chain is verified when somebody asks for it: that takes minutes."""


def register_named(name: str) -> RegisterKind:
    """Give a register by its name.

    Raises:
        NotFound: There is none.
    """
    found = REGISTERS.get(name)
    if found is None:
        raise NotFound(
            f"there is no register {name[:40]!r}",
            zh="没有该登记簿",
            field="register",
            remedy=f"Choose one of {', '.join(REGISTERS)}.",
            remedy_zh=f"可选 {'、'.join(REGISTERS)}。",
        )
    return found


def whole_register(kind: RegisterKind, session: Session, actor: Actor, asked: Asked) -> Register:
    """Give a register with every page of it, for a file."""
    found = kind.read(session, actor, replace(asked, place=Place(limit=_READ_AT_ONCE)))
    lines = [*found.lines]
    last = found.last
    while last is not None:
        further = kind.read(session, actor, replace(asked, place=Place(limit=_READ_AT_ONCE, after=last)))
        lines += further.lines
        last = further.last
    return replace(found, lines=tuple(lines), last=None)


def _sample(session: Session, actor: Actor, asked: Asked) -> Register:
    drawn = sample_decisions(session, actor, on=asked.on, count=asked.count, population=asked.population)
    lines = tuple(
        (
            _plain(str(record.sequence)), _decision(record), _plain(record.subject),
            _plain(record.valid_on.isoformat()),
            _plain(_instant(record.known_at)), _plain(record.maker_name or record.actor_name), _checker(record),
            _set_by_hand(record), _plain(record.engine_version or ""), _plain(record.record_digest),
        )
        for record in drawn.records
    )  # fmt: skip
    return Register(
        heads=(
            Text("序号", "No."), Text("决定", "Decision"), Text("对象", "Subject"), Text("适用日", "Valid on"),
            Text("作出时间", "Known at"), Text("经办", "Maker"), Text("复核", "Checker"),
            Text("采用与规则不同的数值", "Figure set otherwise"), Text("引擎版本", "Engine"),
            Text("记录摘要", "Digest of the record"),
        ),
        lines=lines,
        note=Text(
            f"链上共 {drawn.chain_length} 项；种子 {drawn.seed}，总体为前 {drawn.population} 项，"
            f"等概率抽取 {len(lines)} 项：序号 = 1 + SHA-256(种子:i) 除以 {drawn.population} 的余数，"
            "i 自 0 起，重复者略过；任何人都能抽出同一样本",
            f"{drawn.chain_length} in the chain; seed {drawn.seed}, population the first {drawn.population},"
            f" {len(lines)} drawn alike: no. = 1 + SHA-256(seed:i) mod {drawn.population}, i from 0 on, each once:"
            f" anyone draws the same",
        ),
    )  # fmt: skip


def _overrides(session: Session, actor: Actor, asked: Asked) -> Register:
    found = override_page(session, actor, asked.place)
    return Register(
        heads=(
            Text("事项", "What"), Text("类别", "Kind"), Text("结论", "Finding"), Text("决定时间", "Decided at"),
            Text("经办", "Maker"), Text("复核", "Checker"), Text("规则结果", "What the rule said"),
            Text("实际采用", "What was used"), Text("理由", "Reason"),
        ),
        lines=tuple(
            _override_approval(one.approval) if one.approval is not None else _override_decision(one.decision)
            for one in found.items
        ),
        note=Text(
            "认可未确认事实而同意的、予以拒绝的，以及采用与规则不同数值的",
            "approved in spite of unconfirmed facts, refused, and figures set otherwise than the rule says",
        ),
        last=found.last,
    )  # fmt: skip


def _override_approval(one: Approval) -> tuple[Cell, ...]:
    exception = str(one.payload.get("override_reason") or "")
    accepted = "；".join(one.accepted)
    unconfirmed, given = (
        (Text(f"未确认：{accepted}", f"unconfirmed: {accepted}"), Text("予以认可", "accepted"))
        if accepted
        else (None, None)
    )
    return (
        _approval(one), Cell(text=kind_words(one)), Cell(text=STATE_WORDS[one.state][1]),
        _plain("" if one.decided_at is None else _instant(one.decided_at)), _plain(one.maker_name),
        _plain(one.checker_name or ""),
        _both(_said(one, "override_ruled"), unconfirmed), _both(_said(one, "override_used"), given),
        _plain("；".join(filter(None, [exception, one.checker_reason or ""]))),
    )  # fmt: skip


def _both(set_by_hand: Cell, accepted: Text | None) -> Cell:
    """Join what an approval excepted and what it accepted, where it did one or both."""
    said = [one for one in (set_by_hand.text, accepted) if one is not None and one.zh]
    return Cell(text=Text("；".join(one.zh for one in said), "; ".join(one.en for one in said)))


def _override_decision(record: DecisionRecord | None) -> tuple[Cell, ...]:
    assert record is not None, "an override is an approval or a decision"
    override = record.override
    assert override is not None, "the list is of decisions with an override"
    label = Text(override.label_zh, override.label_en)
    return (
        Cell(text=Text(record.subject, record.subject), address=f"/decisions/{record.id}"),
        Cell(text=title_of(record.kind)), Cell(text=Text("采用与规则不同的数值", "figure set otherwise")),
        _plain(_instant(record.known_at)), _plain(record.maker_name or record.actor_name),
        _plain(record.checker_name or ""),
        Cell(text=Text(f"{label.zh} {override.ruled}", f"{label.en} {override.ruled}")),
        Cell(text=Text(f"{label.zh} {override.used}", f"{label.en} {override.used}")), _plain(override.reason),
    )  # fmt: skip


def _parameter_changes(session: Session, actor: Actor, asked: Asked) -> Register:
    found = approval_page(session, actor, asked.place, kinds=(PARAMETER_APPROVAL,))
    heads = (
        *_CHANGE_HEADS[:1],
        Text("取值", "Value"),
        Text("单位", "Unit"),
        Text("依据（文件、文号、条款）", "Document, number, article"),
        Text("引文", "Quote"),
        Text("可信程度", "Grade"),
        Text("是否确认", "Confirmed"),
        *_CHANGE_HEADS[1:],
    )
    return Register(
        heads=heads,
        lines=tuple(
            (
                _approval(one), _said(one, "value"), _said(one, "unit"),
                _plain(_clause(one)), _said(one, "quote"), _graded(one),
                Cell(text=Text("是", "yes") if one.payload.get("confirmed") else Text("否", "no")), *_change(one),
            )
            for one in found.items
        ),
        note=_CHANGES_NOTE,
        last=found.last,
    )  # fmt: skip


def _table_changes(session: Session, actor: Actor, asked: Asked) -> Register:
    found = approval_page(session, actor, asked.place, kinds=(TABLE_APPROVAL,))
    return Register(
        heads=_CHANGE_HEADS,
        lines=tuple((_approval(one), *_change(one)) for one in found.items),
        note=_CHANGES_NOTE,
        last=found.last,
    )


_CHANGES_NOTE = Text("含拒绝与撤回，新的在前", "refused and withdrawn ones too, the latest first")
_CHANGE_HEADS = (
    Text("变更", "Change"), Text("状态", "State"), Text("生效日", "Valid from"), Text("失效日", "Valid to"),
    Text("知悉日", "Known from"), Text("经办", "Maker"),
    Text("提交时间", "Proposed at"), Text("提交理由", "Maker's reason"), Text("复核", "Checker"),
    Text("决定时间", "Decided at"), Text("复核意见", "Checker's reason"),
)  # fmt: skip


def _change(one: Approval) -> tuple[Cell, ...]:
    return (
        Cell(text=STATE_WORDS[one.state][1]), _said(one, "valid_from"), _said(one, "valid_to"),
        _known(one),
        _plain(one.maker_name), _plain(_instant(one.created_at)), _plain(one.maker_reason),
        _plain(one.checker_name or ""),
        _plain("" if one.decided_at is None else _instant(one.decided_at)), _plain(one.checker_reason or ""),
    )  # fmt: skip


def _unconfirmed(session: Session, actor: Actor, asked: Asked) -> Register:
    """One line for each fact and each decision that rests on it, over the whole chain; last those no decision used."""
    found = unconfirmed_page(session, actor, asked.place, fact=asked.fact)
    length = chain_state(session, actor).length
    is_looked_for = asked.verifies or length <= UNASKED_MAX
    unused = _unused(session, actor, asked) if found.last is None and is_looked_for else ()
    return Register(
        heads=(
            Text("未确认的事实", "Unconfirmed fact"), Text("代码", "Key"), Text("可信程度", "Grade"),
            Text("依据", "Source"), Text("说明", "Why unconfirmed"), Text("决定序号", "Decision no."),
            Text("使用处", "Used in"), Text("对象", "Subject"),
            Text("适用日", "Valid on"), Text("决定人", "By"),
        ),
        lines=tuple(
            (
                Cell(text=Text(use.label_zh, use.label_en)),
                Cell(text=Text(use.key, use.key), address=f"/audit/unconfirmed?fact={quote(use.key, safe='')}"),
                Cell(text=Text("", "") if use.grade is None else GRADE_WORDS[use.grade]), _plain(use.clause),
                Cell(text=Text(use.note_zh, use.note_en) if use.note_zh or use.note_en else _UNCHECKED),
                _plain(str(use.sequence)), Cell(text=title_of(use.kind), address=f"/decisions/{use.decision_id}"),
                _plain(use.subject), _plain(use.valid_on.isoformat()), _plain(use.actor_name),
            )
            for use in found.items
        )
        + unused,
        note=Text(
            f"查看链上全部 {length} 项决定，新的在前" + (f"；仅 {asked.fact}" if asked.fact else "")
            + ("；尚未使用的事实列于最后" if is_looked_for else "；尚未使用的事实未列：须数分钟"),
            f"all {length} decisions of the chain, the latest first" + (f"; only {asked.fact}" if asked.fact else "")
            + ("; facts not used yet come last" if is_looked_for else "; facts not used yet are left out: minutes"),
        ),
        last=found.last,
    )  # fmt: skip


def _unused(session: Session, actor: Actor, asked: Asked) -> tuple[tuple[Cell, ...], ...]:
    """Give a line for each unconfirmed fact of the rulebook that no decision rests on yet, by key."""
    return tuple(
        (
            Cell(text=one.title), _plain(one.key), Cell(text=GRADE_WORDS[one.grade]), _plain(one.clause),
            Cell(text=_UNCHECKED), _plain(""), Cell(text=_UNUSED), _plain(""), _plain(one.valid_from.isoformat()),
            _plain(""),
        )
        for one in unused_facts(session, actor, fact=asked.fact)
    )  # fmt: skip


_UNUSED = Text("尚未使用", "not used yet")
_UNCHECKED = Text("来源未核实", "source not checked")


def _chain(session: Session, actor: Actor, asked: Asked) -> Register:
    state = chain_state(session, actor)
    heads = (Text("序号", "No."), Text("核对", "What"), Text("结果", "Result"), Text("决定", "Decision"))
    if not asked.verifies and state.length > UNASKED_MAX:
        note = Text(f"链长 {state.length} 项，未核对：须数分钟", f"{state.length} in the chain, not verified: minutes")
        return Register(heads=heads, lines=(), note=note)
    report = verify_signed_chain(session, actor.organization_id, asked.trusted)
    summary = (
        (Text("已封印决定", "Decisions sealed"), str(report.length)),
        (Text("链尾摘要", "Digest of the last seal"), report.head_digest),
        (Text("对照的签名链头", "Signed heads compared"), str(report.signed_head_count)),
        (Text("未封印", "Not sealed yet"), str(len(report.unsealed))),
        (Text("不符之处", "Broken places"), str(len(report.faults))),
    )
    lines = [(_plain(""), Cell(text=name), _plain(value), _plain("")) for name, value in summary]
    lines += [
        (
            _plain("" if one.sequence is None else str(one.sequence)),
            Cell(text=Text("不符", "Broken") if place else Text("第一处不符", "First broken")),
            Cell(text=Text(one.zh, one.detail)), _plain(one.decision_id or ""),
        )
        for place, one in enumerate(report.faults)
    ]  # fmt: skip
    note = Text("自第一项起逐项核对", "every record from the first on")
    return Register(heads=heads, lines=tuple(lines), note=note)


REGISTERS: Mapping[str, RegisterKind] = {
    kind.name: kind
    for kind in (
        RegisterKind(
            name="sample", title=Text("决定抽样", "Sample of decisions"), read=_sample,
            purpose=Text("按日期抽样，任何人可复抽", "drawn by a day; anyone can draw it again"),
        ),
        RegisterKind(
            name="overrides", title=Text("人工认可或否决登记", "Register of overrides"), read=_overrides,
            purpose=Text("人与数据意见不同之处及理由", "where a person decided otherwise, and why"),
        ),
        RegisterKind(
            name="parameter-changes", title=Text("参数变更登记", "Changes of parameters"), read=_parameter_changes,
            purpose=Text("每次发起、复核、拒绝与撤回", "each proposal, approval, refusal and withdrawal"),
        ),
        RegisterKind(
            name="table-changes", title=Text("决策表变更登记", "Changes of decision tables"), read=_table_changes,
            purpose=Text("每次发起、复核、拒绝与撤回", "each proposal, approval, refusal and withdrawal"),
        ),
        RegisterKind(
            name="unconfirmed", title=Text("未确认事实及使用处", "Unconfirmed facts and where each was used"),
            read=_unconfirmed, purpose=Text("来源尚未核实的参数与录入", "facts whose source nobody has checked"),
        ),
        RegisterKind(
            name="chain", title=Text("决定链核对", "Verification of the chain"), read=_chain,
            purpose=Text("每项决定按摘要相连", "each decision is chained by its digest"),
        ),
    )
}  # fmt: skip
"""The registers, by the name in their address."""


def _plain(text: str) -> Cell:
    return Cell(text=Text(text, text))


def _known(one: Approval) -> Cell:
    """Give the day it is known from, and how far it is in force backwards."""
    known, days = str(one.payload.get("known_from") or ""), backdated(one)
    if not days:
        return _plain(known)
    return Cell(text=Text(f"{known}（追溯生效 {days} 天）", f"{known} (in force backwards, {days} days)"))


def _said(approval: Approval, name: str) -> Cell:
    return _plain(str(approval.payload.get(name) or ""))


def _clause(one: Approval) -> str:
    document, number, article = (
        str(one.payload.get(name) or "") for name in ("document", "document_number", "article")
    )
    return clause_line(document, number, article)


def _graded(one: Approval) -> Cell:
    return Cell(text=GRADE_WORDS[Grade(one.payload["grade"])])


def _approval(one: Approval) -> Cell:
    return Cell(text=Text(one.title_zh, one.title_en), address=f"/approvals/{one.id}")


def _decision(record: DecisionRecord) -> Cell:
    return Cell(text=title_of(record.kind), address=f"/decisions/{record.id}")


def _checker(record: DecisionRecord) -> Cell:
    return Cell(text=checker_words(record))


def _set_by_hand(record: DecisionRecord) -> Cell:
    found = record.override
    if found is None:
        return _plain("")
    change = f"{found.ruled} → {found.used}"
    return Cell(
        text=Text(f"{found.label_zh} {change}（{found.reason}）", f"{found.label_en} {change} ({found.reason})")
    )


def _instant(at: datetime) -> str:
    return f"{china_day(at)} {at.astimezone(CHINA):%H:%M}"
