"""Whether a contract may be traded or only valued: the law of its scheme, and the papers the line itself carries.

National law admits spot on exchange alone. A forward, option or futures-style line is labelled 仅估值，不可成交 unless
a legal basis is stated for its scheme and kind, and a contract over the counter unless it carries its papers too.
"""

from carbonfin.kernel.allowances import Scheme
from carbonfin.rules.parameters import ParameterValue
from pricing.calc.market import MarketSnapshot
from pricing.calc.positions import LineKind, PortfolioLine

LEGAL_BASIS = "pricing.legal_basis"
CONTRACT_PAPERS = "pricing.contract_papers"
"""Which papers a contract of a kind must carry, by the names of its fields; the scope is the kind."""
VALUATION_ONLY_ZH = "仅估值，不可成交"
VALUATION_ONLY_EN = "valuation only, not tradable"
Notes = tuple[tuple[str, ...], tuple[str, ...]]
_PAPERS = {
    "master_agreement": ("未提供主协议", "no master agreement"),
    "derivatives_licence": ("未提供衍生产品交易资格", "no derivatives licence"),
}


def label_notes(snapshot: MarketSnapshot, line: PortfolioLine) -> Notes:
    """Say in both languages why a line is for valuation only; nothing where it may be traded."""
    law_zh, law_en = tradable_notes(snapshot, line.unit.scheme, line.kind)
    zh, en = _paper_notes(snapshot, line)
    return (*law_zh, *zh), (*law_en, *en)


def labels_lines(snapshot: MarketSnapshot) -> bool:
    """Say whether a snapshot knows which papers contracts need; those of before did not, and label by law alone."""
    return snapshot.find_parameter(CONTRACT_PAPERS, scope=LineKind.FORWARD) is not None


def _paper_notes(snapshot: MarketSnapshot, line: PortfolioLine) -> Notes:
    needed = snapshot.find_parameter(CONTRACT_PAPERS, scope=line.kind)
    given = {"master_agreement": line.master_agreement, "derivatives_licence": line.derivatives_licence}
    lacking = [name for name in (needed.value.split() if needed else ()) if not (given.get(name) or "").strip()]
    if not lacking:
        return (), ()
    zh, en = zip(*(_PAPERS[name] for name in lacking), strict=True)
    mark_zh, mark_en = _unconfirmed_mark(snapshot, needed, what=("所需文件", "which papers are needed"))
    return (
        (f"{VALUATION_ONLY_ZH}（{'、'.join(zh)}{mark_zh}）",),
        (f"{VALUATION_ONLY_EN} ({', '.join(en)}{mark_en})",),
    )


def _unconfirmed_mark(
    snapshot: MarketSnapshot, value: ParameterValue | None, *, what: tuple[str, str]
) -> tuple[str, str]:
    """Say in both languages that what a label rests on is not confirmed; nothing where it is."""
    if value is None or value.confirmed or not snapshot.tells_unconfirmed:
        return "", ""
    return f"；{what[0]}未确认：{value.document}", f"; {what[1]} is not confirmed"


def tradable_notes(snapshot: MarketSnapshot, scheme: Scheme, kind: LineKind) -> Notes:
    """Say in both languages that the law admits no trade of a kind; only a stated legal basis takes the words away.

    Holdings are traded on exchange, which the law admits.
    """
    if kind is LineKind.SPOT:
        return (), ()
    return law_notes(snapshot.find_parameter(LEGAL_BASIS, scope=f"{scheme}.{kind}"))


def law_notes(basis: ParameterValue | None) -> Notes:
    """Say in both languages whether the law admits an instrument, None being a basis that nobody verified."""
    if basis is None:
        return (f"{VALUATION_ONLY_ZH}（成交依据未核实）",), (f"{VALUATION_ONLY_EN} (legal basis not verified)",)
    if basis.value != "none":
        return (), ()
    return (f"{VALUATION_ONLY_ZH}（{basis.document}）",), (f"{VALUATION_ONLY_EN} ({basis.document})",)


def is_labelled(notes_zh: tuple[str, ...]) -> bool:
    """Say whether the notes of a line hold the label."""
    return any(note.startswith(VALUATION_ONLY_ZH) for note in notes_zh)
