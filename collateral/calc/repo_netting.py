"""Margin maintenance on net exposure (GMRA 2011 4): all repos of two parties under one agreement, and one call.

Only where a netting opinion is on file are exposures set against each other; without one each repo stands alone.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.kernel.units import Currency, Money, cny, round_half_up
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.close_out import RepoSide
from collateral.calc.figures import FigureList
from collateral.calc.net_exposure import PartySide, net_exposure
from collateral.calc.repo import ExposureMethod
from collateral.calc.repo_exposure import RepoExposureInputs
from collateral.calc.repo_margin import RepoMargin, annex_figures, margin_required_cny, moved_amount, side_of
from collateral.calc.repo_ratios import exposure_method_a, exposure_method_b

_CENT = Decimal("0.01")
_SIDES = {
    RepoSide.BUYER: ("甲方为逆回购方", "the first party is the buyer"),
    RepoSide.SELLER: ("甲方为正回购方", "the first party is the seller"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NettedRepo:
    """One repo under the agreement, as its own exposure decision of the day struck it.

    Attributes:
        side: What the first party is in it.
        exposure_decision_id: The decision its inputs come from.
        accrued_cny: Repurchase value of the day R, before margin, in CNY.
        market_value_cny: Of the purchased units alone.
        margin_cash_cny: Cash margin its buyer holds; negative where the seller does.
        margin_units_cny: Market value of the margin units its buyer holds.
        minimum_transfer_cny: The least that moves under it.
        cny_per_unit: What one unit of its cash currency is worth.
        margin_cash_amount: Cash margin its buyer holds in its own currency, without interest: what can go back.
        agreed: Margin terms of its annex, its seller as pledgor; None where two people agreed none.
    """

    code: str
    side: RepoSide
    exposure_decision_id: str
    method: ExposureMethod
    haircut_ratio: Decimal
    accrued_cny: Decimal
    market_value_cny: Decimal
    margin_cash_cny: Decimal
    margin_units_cny: Decimal
    minimum_transfer_cny: Decimal
    currency: Currency
    cny_per_unit: Decimal
    margin_cash_amount: Decimal | None = field(default=None, metadata=ADDED_LATER)
    agreed: RepoMargin | None = field(default=None, metadata=ADDED_LATER)

    @property
    def least_cny(self) -> Decimal:
        """The least that moves under it: of its annex where there is one, else of the contract."""
        if self.agreed is None:
            return self.minimum_transfer_cny
        return cny(self.agreed.terms.minimum_transfer.amount * self.cny_per_unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class NettingInputs:
    """All repos of two parties under one netting opinion on a day.

    Attributes:
        returns_margin: Whether margin the other party holds goes back before more is called; decisions of before did
            not look at it.
    """

    first_party_id: str
    first_party: str
    second_party_id: str
    second_party: str
    opinion: str
    valuation_date: date
    repos: tuple[NettedRepo, ...]
    returns_margin: bool | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetReturn:
    """Cash margin of the party that is owed which the other gives back under one repo, in its cash currency."""

    code: str
    amount: Decimal
    currency: Currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one repo brings to the net, as the first party sees it: negative where the second is exposed or holds."""

    code: str
    exposure_cny: Decimal
    margin_held_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class NettingOutcome:
    """The net exposure of the first party, and the one call that meets it.

    Attributes:
        contributions: Of each repo, in the order of codes.
        net_exposure_cny: Positive where the second party owes margin, negative where the first does.
        called_code: The repo that carries the call: the largest exposure of the party that is owed; None if none.
        call_amount: In the cash currency of that repo.
        returns: Cash margin that goes back to the party that is owed; None in decisions that did not look at it.
    """

    contributions: tuple[Contribution, ...]
    net_exposure_cny: Decimal
    called_code: str | None
    call_amount: Decimal
    currency: Currency | None
    trace: tuple[Figure, ...]
    returns: tuple[NetReturn, ...] | None = field(default=None, metadata=ADDED_LATER)


def netting_key(*, seller_id: str, buyer_id: str, opinion: str) -> str:
    """Name what two parties net under one opinion, whoever sells and whoever buys."""
    return f"repo_netting:{':'.join(sorted((seller_id, buyer_id)))}:{sha256_hex(opinion.encode())[:12]}"


def netted_repo(inputs: RepoExposureInputs, *, side: RepoSide, exposure_decision_id: str) -> NettedRepo:
    """Give what a repo brings to the net exposure, its margin told apart from its exposure."""
    terms, price, rate = inputs.terms, inputs.price.price_cny_per_t, inputs.fx.cny_per_unit
    accrued = terms.accrued(min(inputs.valuation_date, terms.repurchase_date))
    return NettedRepo(
        code=terms.code, side=side, exposure_decision_id=exposure_decision_id, method=terms.method,
        haircut_ratio=terms.haircut_used(inputs.haircut), accrued_cny=cny(accrued * rate),
        market_value_cny=cny(terms.quantity_t * price), margin_cash_cny=cny(inputs.margin_held_amount * rate),
        margin_units_cny=cny(inputs.margin_units_t * price),
        minimum_transfer_cny=cny(terms.minimum_transfer_amount * rate), currency=terms.currency, cny_per_unit=rate,
        margin_cash_amount=inputs.margin_cash_amount, agreed=inputs.agreed,
    )  # fmt: skip


def buyers_exposure_cny(repo: NettedRepo) -> Decimal:
    """Give the transaction exposure of a repo's buyer, by its own method and before any margin; negative if it owes."""
    strike = exposure_method_a if repo.method is ExposureMethod.A else exposure_method_b
    return strike(
        repurchase_value=repo.accrued_cny, market_value=repo.market_value_cny, haircut_ratio=repo.haircut_ratio
    )


def decide_repo_netting(inputs: NettingInputs) -> NettingOutcome:
    """Net all exposures and all margin of two parties in CNY, and strike what moves.

    net = my exposures - theirs - (margin I hold - margin they hold), each at spot. Something moves where the net is
    not below the least minimum transfer of the repos: a wish of one repo for a smaller transfer is kept. Cash margin of
    the party that is owed goes back first (GMRA 2011 4(d)), the largest first, rounded down, at most what is held and
    together at most the net; what is left is one call, on the repo with the largest exposure of that party, in its
    currency.

    Where repos have margin terms, thresholds and independent amounts of the party that owes count once on the net, and
    what moves does so in the multiples of the repo it stands on; margin for which nothing is due goes back whole.
    """
    figures = FigureList()
    buyers = {one.code: buyers_exposure_cny(one) for one in inputs.repos}
    signed = {one.code: _signed(one, buyers[one.code]) for one in inputs.repos}
    held = {one.code: _signed(one, one.margin_cash_cny + one.margin_units_cny) for one in inputs.repos}
    net_cny = net_exposure(
        _side(signed, held, sign=1), _side(signed, held, sign=-1), base=Currency.CNY, base_per_unit={}
    ).amount
    minimum_cny = min(one.least_cny for one in inputs.repos)
    required_cny = _required_cny(inputs, sum(signed.values(), Decimal("0.00")))
    due_cny = net_cny if required_cny is None else required_cny - sum(held.values(), Decimal("0.00"))
    is_moved = abs(due_cny) >= minimum_cny
    returns: tuple[NetReturn, ...] = ()
    left_cny = abs(due_cny)
    if inputs.returns_margin and (is_moved or required_cny == 0):
        returns, left_cny = _returns(inputs, net_cny=due_cny, is_final=required_cny == 0)
    carrier = _carrier(inputs, buyers, net_cny=due_cny)
    amount = _call_amount(carrier, left_cny) if carrier is not None and is_moved else Decimal("0.00")
    called = carrier if amount else None
    _figures(inputs, figures, signed=signed, held=held)
    due = "net_exposure" if required_cny is None else _annex_figures(inputs, figures, due_cny=due_cny)
    names = _return_figures(inputs, figures, returns, due=due)
    _call_figures(
        figures, due=due, net_cny=due_cny, minimum_cny=minimum_cny, called=called, amount=amount, returned=names
    )
    return NettingOutcome(
        contributions=tuple(
            Contribution(code=one.code, exposure_cny=signed[one.code], margin_held_cny=held[one.code])
            for one in inputs.repos
        ),
        net_exposure_cny=net_cny, called_code=None if called is None else called.code, call_amount=amount,
        currency=None if called is None else called.currency, trace=figures.trace(),
        returns=returns if inputs.returns_margin else None,
    )  # fmt: skip


def _required_cny(inputs: NettingInputs, exposure_cny: Decimal) -> Decimal | None:
    """Give the margin that should stand behind the net exposure by the annexes; None where no repo has one."""
    if all(one.agreed is None for one in inputs.repos):
        return None
    second, first = (
        side_of((one.agreed, one.cny_per_unit) for one in inputs.repos if one.side is side)
        for side in (RepoSide.BUYER, RepoSide.SELLER)
    )
    return margin_required_cny(exposure_cny, pledgor=second, secured=first)


def _call_amount(carrier: NettedRepo, left_cny: Decimal) -> Decimal:
    amount = round_half_up(left_cny / carrier.cny_per_unit)
    if carrier.agreed is None:
        return amount
    return moved_amount(amount, carrier.agreed.terms.delivery_rounding, currency=carrier.currency)


def _returns(
    inputs: NettingInputs, *, net_cny: Decimal, is_final: bool
) -> tuple[tuple[NetReturn, ...], Decimal]:  # fmt: skip
    """Give the cash that goes back to the party that is owed, the largest holding first, and what is left of the net.

    Where a holding suffices nothing is left: less than a cent of its currency is not called. A final return is of all.
    """
    back: list[NetReturn] = []
    left_cny = abs(net_cny)
    for one in sorted(inputs.repos, key=lambda one: (-_held_of_owed(one, net_cny) * one.cny_per_unit, one.code)):
        held = _held_of_owed(one, net_cny)
        wanted = held if is_final else (left_cny / one.cny_per_unit).quantize(_CENT, rounding=ROUND_FLOOR)
        if held > 0 and wanted > 0:
            back.append(NetReturn(code=one.code, amount=_back(one, wanted, held), currency=one.currency))
            left_cny = Decimal(0) if wanted <= held else left_cny - cny(held * one.cny_per_unit)
    return tuple(back), left_cny


def _back(repo: NettedRepo, wanted: Decimal, held: Decimal) -> Decimal:
    """Give what goes back under one repo: all that is held, or what suffices, in the multiples of its annex."""
    if wanted >= held or repo.agreed is None:
        return min(wanted, held)
    return min(moved_amount(wanted, repo.agreed.terms.return_rounding, currency=repo.currency), held)


def _held_of_owed(repo: NettedRepo, net_cny: Decimal) -> Decimal:
    """Give the cash that the party owing holds of the party owed under a repo, in its currency."""
    by_buyer = repo.margin_cash_amount or Decimal(0)
    by_first = by_buyer if repo.side is RepoSide.BUYER else -by_buyer
    return max(-by_first if net_cny > 0 else by_first, Decimal(0))


def _signed(repo: NettedRepo, amount: Decimal) -> Decimal:
    """Turn an amount of the repo's buyer into one of the first party."""
    return amount if repo.side is RepoSide.BUYER else -amount


def _side(signed: dict[str, Decimal], held: dict[str, Decimal], *, sign: int) -> PartySide:
    def of(amounts: dict[str, Decimal]) -> tuple[Money, ...]:
        return tuple(Money.of(sign * one, Currency.CNY) for one in amounts.values() if sign * one > 0)

    return PartySide(exposures=of(signed), income=(), margin_held=of(held))


def _carrier(inputs: NettingInputs, buyers: dict[str, Decimal], *, net_cny: Decimal) -> NettedRepo | None:
    owed = RepoSide.BUYER if net_cny > 0 else RepoSide.SELLER
    exposed = [
        one for one in inputs.repos
        if one.side is owed and (buyers[one.code] > 0 or (one.agreed is not None and one.agreed.independent > 0))
    ]  # fmt: skip
    return max(exposed, key=lambda one: buyers[one.code], default=None) if net_cny else None


def _figures(
    inputs: NettingInputs, figures: FigureList, *, signed: dict[str, Decimal], held: dict[str, Decimal]
) -> None:
    figures.fact("first_party", ("甲方", "First party"), inputs.first_party, "code", "回购合同")
    figures.fact("second_party", ("乙方", "Second party"), inputs.second_party, "code", "回购合同")
    figures.fact("opinion", ("净额结算法律意见", "Netting opinion"), inputs.opinion, "code", "回购合同")
    for one in inputs.repos:
        source = f"回购敞口决定 {one.exposure_decision_id}"
        zh, en = _SIDES[one.side]
        parts = [
            figures.fact(
                f"accrued_{one.code}", (f"{one.code} 当日应计购回价值", f"{one.code} accrued value"), one.accrued_cny,
                "CNY", source, note_zh=zh, note_en=en,
            ),
            figures.fact(
                f"market_value_{one.code}", (f"{one.code} 市值", f"{one.code} market value"), one.market_value_cny,
                "CNY", source,
            ),
            figures.fact(
                f"haircut_{one.code}", (f"{one.code} 折扣系数", f"{one.code} haircut"), one.haircut_ratio, "ratio",
                source,
            ),
        ]  # fmt: skip
        figures.result(
            f"exposure_{one.code}", (f"{one.code} 甲方敞口", f"{one.code}: exposure of the first party"),
            signed[one.code], "CNY",
            "±(R/(1−H) − MV)" if one.method is ExposureMethod.A else "±(R − MV·(1−H))", inputs=parts,
            note_zh="负数为乙方敞口", note_en="negative where the second party is exposed",
        )  # fmt: skip
        figures.fact(
            f"margin_{one.code}", (f"{one.code} 甲方持有保证金", f"{one.code}: margin the first party holds"),
            held[one.code], "CNY", source, note_zh="现金与保证金配额市值；负数为乙方持有",
            note_en="cash and market value of margin units; negative where the second party holds it",
        )  # fmt: skip
    codes = [one.code for one in inputs.repos]
    figures.result(
        "net_exposure", ("净敞口（甲方）", "Net exposure of the first party"),
        sum(signed.values()) - sum(held.values()), "CNY", "Σ exposure − Σ margin held",
        inputs=("opinion", *(f"{name}_{code}" for code in codes for name in ("exposure", "margin"))),
        note_zh="负数为乙方敞口", note_en="negative where the second party is exposed",
    )  # fmt: skip


def _annex_figures(inputs: NettingInputs, figures: FigureList, *, due_cny: Decimal) -> str:
    """Put the annexes' terms and what they leave due into the trace, and give its name."""
    names: list[str] = []
    for one in inputs.repos:
        if one.agreed is not None:
            terms = annex_figures(one.agreed, one.currency, figures, code=one.code)
            names += [*terms, _rate_figure(one, figures)]
    return figures.result(
        "shortfall", ("保证金差额（甲方）", "Shortfall of the first party"), due_cny, "CNY",
        "max(Σ exposure + IA − IA′ − TH, 0) − max(−Σ exposure + IA′ − IA − TH′, 0) − Σ margin held",
        inputs=("net_exposure", *names),
        note_zh="起点金额取各笔最小者（无条款为零）；同一协议的独立金额只计一次；负数为乙方差额",
        note_en="the least threshold counts, none where a repo has no terms; an annex's independent amount once;"
        " negative where the second party is short",
    )  # fmt: skip


def _rate_figure(repo: NettedRepo, figures: FigureList) -> str:
    return figures.fact(
        f"fx_{repo.code}", (f"{repo.code} 1 {repo.currency} 折合人民币", f"{repo.code}: CNY per {repo.currency}"),
        repo.cny_per_unit, "CNY", f"回购敞口决定 {repo.exposure_decision_id}",
    )  # fmt: skip


def _return_figures(
    inputs: NettingInputs, figures: FigureList, returns: tuple[NetReturn, ...], *, due: str
) -> tuple[str, ...]:
    """Write down what goes back under each repo, and give the names of those figures."""
    repos = {one.code: one for one in inputs.repos}
    names: list[str] = []
    for back in returns:
        repo = repos[back.code]
        source = f"回购敞口决定 {repo.exposure_decision_id}"
        cash = figures.fact(
            f"margin_cash_{back.code}", (f"{back.code} 现金保证金", f"{back.code} margin cash"),
            repo.margin_cash_amount or Decimal(0), back.currency, source,
            note_zh="负数为正回购方持有", note_en="negative where the seller holds it",
        )  # fmt: skip
        rate = _rate_figure(repo, figures)
        back_name = figures.result(
            f"margin_return_{back.code}", (f"{back.code} 退还保证金", f"{back.code}: margin to return"), back.amount,
            back.currency, f"what is left of |{due.replace('_', ' ')}| / FX, rounded down, at most the margin held",
            inputs=(due, cash, rate, *names),
        )  # fmt: skip
        names.append(back_name)
    return tuple(names)


def _call_figures(
    figures: FigureList, *, due: str, net_cny: Decimal, minimum_cny: Decimal, called: NettedRepo | None,
    amount: Decimal, returned: tuple[str, ...],
) -> None:  # fmt: skip
    least = figures.fact(
        "minimum_transfer", ("最低转让金额（各笔最小者）", "Minimum transfer, the least of the repos"), minimum_cny,
        "CNY", "回购合同",
    )  # fmt: skip
    inputs: tuple[str, ...]
    if called is None and returned:
        zh, en = "净敞口以退还保证金满足", "the net exposure is met by margin that goes back"
        inputs = (due, least, *returned)
    elif called is None:
        zh = "净敞口为零、低于最低转让金额，或应退还的是保证金" if net_cny else "净敞口为零"
        en = "nothing net, below the minimum, or margin that goes back" if net_cny else "nothing net"
        inputs = (due, least)
    else:
        zh, en = f"由回购 {called.code} 承载", f"stands on repo {called.code}"
        rate = figures.fact(
            "fx", (f"1 {called.currency} 折合人民币", f"CNY per {called.currency}"), called.cny_per_unit, "CNY",
            f"回购敞口决定 {called.exposure_decision_id}",
        )  # fmt: skip
        inputs = (due, least, rate, *returned)
    what = due.replace("_", " ")
    figures.result(
        "margin_call", ("追加金额（整个协议一次）", "Margin call, one for the agreement"), amount,
        Currency.CNY if called is None else called.currency,
        f"(|{what}| − Σ return·FX) / FX where not below the minimum transfer"
        if returned
        else f"|{what}| / FX where not below the minimum transfer", inputs=inputs, note_zh=zh, note_en=en,
    )  # fmt: skip


REPO_NETTING = DecisionKind(
    name="collateral.repo_netting", version="1", inputs=NettingInputs, outputs=NettingOutcome,
    decide=decide_repo_netting,
)  # fmt: skip
