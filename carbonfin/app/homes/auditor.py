"""The auditor's first screen: a sample anyone can draw again, and unconfirmed facts with where they were used."""

from collections.abc import Iterable, Sequence

from litestar.response import Template

from carbonfin.app.approvals.kinds import STATE_WORDS, kind_words
from carbonfin.app.audit.registers import REGISTERS
from carbonfin.app.decisions.kinds import title_of
from carbonfin.app.homes.figures import HomeFigure
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.approvals import Overridden, overrides_of
from carbonfin.storage.decisions import DecisionSample, UnconfirmedUse, latest_unconfirmed, sample_decisions
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page

_SAMPLE_COUNT = 10
_USES_SHOWN = 5
_USES_WINDOW = 500
"""The first screen looks at so many; the register goes through the whole chain."""


def auditor_home(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show an auditor where to begin."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        sample = sample_decisions(session, actor, on=standing.business_date, count=_SAMPLE_COUNT)
        uses = _by_fact(latest_unconfirmed(session, actor, window=_USES_WINDOW))
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
    sample: DecisionSample, uses: Sequence[Sequence[UnconfirmedUse]], overrides: tuple[Overridden, ...]
) -> tuple[HomeFigure, ...]:
    """Give the figures an auditor sees first."""
    touched = {use.decision_id for fact in uses for use in fact}
    looked_at = min(sample.chain_length, _USES_WINDOW)
    return (
        HomeFigure(
            label=Text("已封印决定", "Decisions sealed"),
            value=str(sample.chain_length),
            unit="",
            note=Text("每日从全部决定中抽样", "the day's sample is drawn from all of them"),
            address="/decisions",
        ),
        HomeFigure(
            label=Text("未确认事实", "Unconfirmed facts"),
            value=str(len(uses)),
            unit="",
            note=Text(f"最近 {looked_at} 项决定中；全部见登记簿", f"in the latest {looked_at}; the register has all"),
            address="/audit/unconfirmed",
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


def _by_fact(uses: Iterable[UnconfirmedUse]) -> list[list[UnconfirmedUse]]:
    """Give the uses of each fact, the fact most used first."""
    found: dict[str, list[UnconfirmedUse]] = {}
    for use in uses:
        found.setdefault(use.key, []).append(use)
    return sorted(found.values(), key=lambda fact: (-len(fact), fact[0].key))
