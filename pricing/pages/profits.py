"""A portfolio's change of value between two valuations, in its parts, and each line's with what it rested on."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.units import to_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from pricing import service
from pricing.calc.positions import LineKind
from pricing.calc.profit import PROFIT_PART_LABELS, LineProfit, ProfitPart
from pricing.calc.profit_states import LineState

_SHOWN_MAX = 20
_PLACES = 6
_NUMBERS: tuple[tuple[str, Text, frozenset[LineKind]], ...] = (
    ("price_per_t", Text("价格（/吨）", "Price (/t)"), frozenset(LineKind)),
    ("years", Text("剩余年数", "Years left"), frozenset({LineKind.FORWARD, LineKind.OPTION})),
    ("rate", Text("利率（连续）", "Rate (continuous)"), frozenset({LineKind.FORWARD, LineKind.OPTION})),
    ("volatility", Text("波动率", "Volatility"), frozenset({LineKind.OPTION})),
    ("cny_per_unit", Text("汇率（元）", "Exchange rate (CNY)"), frozenset({LineKind.FUTURES, LineKind.OPTION})),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberMove:
    """A number a line rests on, at the start and at the end; None where it is not known."""

    label: Text
    opening: Decimal | None
    closing: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfitLineView:
    """A line as the page shows it."""

    line: LineProfit
    kind: Text
    note: Text | None
    moves: tuple[NumberMove, ...]

    @classmethod
    def of(cls, line: LineProfit) -> "ProfitLineView":
        """Prepare a line."""
        return cls(
            line=line,
            kind=Text(*line.kind_labels),
            note=Text(line.note_zh, line.note_en) if line.note_zh else None,
            moves=tuple(
                NumberMove(label=label, opening=_number(line.opening, name), closing=_number(line.closing, name))
                for name, label, kinds in _NUMBERS
                if line.kind in kinds and line.opening is not None
            ),
        )


def _number(state: LineState | None, name: str) -> Decimal | None:
    return None if state is None else to_decimal(getattr(state, name), places=_PLACES).normalize()


@get("/valuations/{valuation_id:str}/profit", sync_to_thread=True)
def profit_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    valuation_id: FromPath[str],
    since: Annotated[str | None, QueryParameter(max_length=60)] = None,
) -> Template:
    """Show where the change of a portfolio's value since an earlier valuation came from."""
    with sessions.read() as session:
        answer = service.explained_profit(session, actor, valuation_id, since=since or None)
        portfolio_id = answer.closing.portfolio_id
        history = service.valuations_of(session, actor, portfolio_id, limit=_SHOWN_MAX) if portfolio_id else ()
    return page(
        request,
        "pricing/profit.html",
        title=Text("损益归因", "Profit explained"),
        answer=answer,
        profit=answer.profit,
        lines=[ProfitLineView.of(line) for line in answer.profit.lines],
        parts_of=[(Text(*PROFIT_PART_LABELS[part]), part) for part in ProfitPart],
        earlier=[one for one in history if one.number is not None and one.number < (answer.closing.number or 0)],
    )
