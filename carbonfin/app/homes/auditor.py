"""The auditor's first screen: a sample anyone can draw again, and unconfirmed facts with where they were used."""

from litestar.response import Template

from carbonfin.app.approvals.kinds import STATE_WORDS, kind_words
from carbonfin.app.audit.registers import REGISTERS
from carbonfin.app.decisions.kinds import title_of
from carbonfin.app.homes.figures import HomeFigure
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.approvals import Overridden, overrides_of
from carbonfin.storage.decisions import DecisionSample, UnconfirmedUse, sample_decisions, unconfirmed_uses
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page

_SAMPLE_COUNT = 10
_USES_SHOWN = 5


def auditor_home(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show an auditor where to begin."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        sample = sample_decisions(session, actor, on=standing.business_date, count=_SAMPLE_COUNT)
        uses = unconfirmed_uses(session, actor)
        overrides = overrides_of(session, actor)
    return page(
        request,
        "app/home_auditor.html",
        title=Text("审计总览", "Audit overview"),
        standing=standing,
        sample=sample,
        uses=uses,
        uses_shown=_USES_SHOWN,
        overrides=overrides,
        kind_words=kind_words,
        states=STATE_WORDS,
        cards=auditor_cards(sample, uses, overrides),
        title_of=title_of,
        registers=[(kind.name, kind.title) for kind in REGISTERS.values()],
    )


def auditor_cards(
    sample: DecisionSample, uses: tuple[UnconfirmedUse, ...], overrides: tuple[Overridden, ...]
) -> tuple[HomeFigure, ...]:
    """Give the figures an auditor sees first."""
    touched = {record.id for use in uses for record in use.records}
    return (
        HomeFigure(
            label=Text("已封印决定", "Decisions sealed"),
            value=str(sample.chain_length),
            unit="",
            note=Text(f"本页查看最近 {sample.population} 项", f"the latest {sample.population} are looked at here"),
            address="/decisions",
        ),
        HomeFigure(
            label=Text("未确认事实", "Unconfirmed facts"),
            value=str(len(uses)),
            unit="",
            note=Text("来源尚未核实的参数与录入", "parameters and entries whose source is not checked"),
            state="warning" if uses else "good",
        ),
        HomeFigure(
            label=Text("涉及未确认事实的决定", "Decisions resting on them"),
            value=str(len(touched)),
            unit="",
            note=Text("逐项列出，可重算", "listed below, each replays"),
            state="warning" if touched else "good",
        ),
        HomeFigure(
            label=Text("人工认可或否决", "Overrides"),
            value=str(len(overrides)),
            unit="",
            note=Text(
                "认可未确认事实、予以拒绝，或采用与规则不同的数值",
                "unconfirmed facts accepted, refused, or figures set by hand",
            ),
            state="warning" if overrides else "good",
        ),
    )
