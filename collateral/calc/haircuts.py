"""Haircuts (折扣系数): dated parts by a row of the table `collateral.haircut`, added and never multiplied.

h = price share x price part + currency share x currency part + additional haircut

Where a policy of the unit's class is in force, h is the larger of that and of what the policy comes to. The parts are
the bank's own dated parameters; which of them count, and what is added, is said by the row of the table that hits. The
built-in table brings no figure of its own; a bank's own approved table of the name takes its place. What is missing is
refused: there is no haircut then, never a smaller one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import cny
from carbonfin.rules.contracts import InputKind, InputOffered, OutputWanted, TableContract
from carbonfin.rules.decide import Decision, NotDecided, Outcome
from carbonfin.rules.domains import missing_words
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from carbonfin.rules.record import ADDED_LATER
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.row_figures import row_use, tried_words
from carbonfin.rules.tables import DecisionTable, OutputKind
from carbonfin.rules.trace import Figure
from collateral.calc.figures import FigureList
from collateral.calc.policy_haircuts import PolicyHaircut

HAIRCUT_KEY = "collateral.haircut_ratio"
CURRENCY_SCOPE = "fx_add"
_RULES_KEPT = 1024
_SHARES = (
    ("price_share", "价格部分计入比例", "Share of the price part"),
    ("currency_share", "汇率部分计入比例", "Share of the currency part"),
    ("additional_ratio", "附加折扣", "Additional haircut"),
)
HAIRCUT_TABLE = TableContract(
    name="collateral.haircut",
    title_zh="折扣系数组成",
    title_en="Parts of a haircut",
    reads_zh="质押覆盖率与回购敞口",
    reads_en="the coverage of a pledge and the exposure of a repo",
    inputs=(
        InputOffered(name="use", title_zh="用途", title_en="Use", kind=InputKind.CODE),
        InputOffered(name="scheme", title_zh="配额品种", title_en="Scheme", kind=InputKind.CODE),
        InputOffered(name="vintage", title_zh="配额年度", title_en="Vintage", kind=InputKind.NUMBER, unit="year"),
        InputOffered(
            name="cross_currency", title_zh="资金与标的币种不同", title_en="Cash in another currency than the units",
            kind=InputKind.BOOLEAN,
        ),
    ),
    outputs=tuple(
        OutputWanted(
            name=name, title_zh=zh, title_en=en, kind=OutputKind.RATIO, low=Decimal(0), high=Decimal(1),
            worst_is_high=True,
        )
        for name, zh, en in _SHARES
    ),
    is_single=True,
)  # fmt: skip


class HaircutUse(StrEnum):
    """What a unit secures: a pledge, or a repo."""

    PLEDGE = "pledge"
    REPO = "repo"


@dataclass(frozen=True, slots=True, kw_only=True)
class HaircutFacts:
    """What a haircut table may ask; a credit has no vintage."""

    use: HaircutUse
    scheme: Scheme
    vintage: int | None
    cross_currency: bool

    @classmethod
    def of(cls, unit: Unit, *, use: HaircutUse, cross_currency: bool) -> "HaircutFacts":
        """Give the facts of a unit in a use."""
        return cls(use=use, scheme=unit.scheme, vintage=unit.vintage, cross_currency=cross_currency)

    @property
    def price_scope(self) -> str:
        """The scope of the bank's dated price part."""
        return self.scheme.value if self.use is HaircutUse.PLEDGE else f"repo_{self.scheme.value}"

    def asked(self) -> dict[str, object]:
        """Give the facts by the names tables ask them under."""
        return {
            "use": self.use.value, "scheme": self.scheme.value, "vintage": self.vintage,
            "cross_currency": self.cross_currency,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class HaircutRow:
    """The row of a table that says how a haircut is put together.

    Attributes:
        notes: The row's own note, and what became of the other rows, each in Chinese and English.
    """

    outcome: Outcome
    price_share: Decimal
    currency_share: Decimal
    additional_ratio: Decimal
    notes: tuple[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HaircutRule:
    """The table that puts a haircut together, and what it is asked."""

    table: RecordedTable
    facts: HaircutFacts

    @property
    def row(self) -> HaircutRow:
        """The row that hits.

        Raises:
            MissingData: The table does not decide; the message names what is missing.
        """
        return _row_of(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Haircut:
    """A haircut h, 0 to 1, of its dated parts (price, currency) by a row of the table.

    Attributes:
        parts: The bank's dated values that the row counts.
        rule: None in decisions made before haircuts came from a table: there the parts are added as they stand.
        facts: What the table is asked, where the record that holds this haircut carries the table once for several.
        policy: What the policy of the unit's class makes of it; None where the bank has none in force.
    """

    parts: tuple[ParameterValue, ...]
    rule: HaircutRule | None = field(default=None, metadata=ADDED_LATER)
    facts: HaircutFacts | None = field(default=None, metadata=ADDED_LATER)
    policy: PolicyHaircut | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Refuse an empty haircut and one outside 0 to 1."""
        if self.facts is None:
            stacked_ratio(self._counted())

    def apart(self) -> "Haircut":
        """Give it without its table, for a record that carries the table once."""
        return self if self.rule is None else replace(self, rule=None, facts=self.rule.facts)

    def under(self, table: RecordedTable | None) -> "Haircut":
        """Give it with the table that stands beside it in the record.

        Raises:
            InvalidInput: The record lacks the table.
        """
        if self.facts is None:
            return self
        if table is None:
            raise InvalidInput("a haircut lacks its table", zh="折扣系数缺少决策表", field="haircut_table")
        return replace(self, rule=HaircutRule(table=table, facts=self.facts), facts=None)

    def under_policy(self, policy: PolicyHaircut | None) -> "Haircut":
        """Give it with what the policy of the unit's class makes of it, where one is in force."""
        return self if policy is None else replace(self, policy=policy)

    @property
    def ratio(self) -> Decimal:
        """The larger of the dated parts added (FX and additional stack on the price haircut) and of the policy's."""
        dated_ratio = self.dated_ratio
        return dated_ratio if self.policy is None else max(dated_ratio, self.policy.ratio)

    @property
    def dated_ratio(self) -> Decimal:
        """The dated parts added."""
        return stacked_ratio(self._counted())

    def _counted(self) -> tuple[Decimal, ...]:
        assert self.facts is None, "a haircut apart from its table has no ratio"
        if self.rule is None:
            return tuple(part.decimal for part in self.parts)
        row = self.rule.row
        return (
            *(
                (row.currency_share if part.scope == CURRENCY_SCOPE else row.price_share) * part.decimal
                for part in self.parts
            ),
            row.additional_ratio,
        )


def stacked_ratio(parts: Iterable[Decimal]) -> Decimal:
    """Give the sum of haircut parts; each part and the sum lie in 0 to 1.

    Raises:
        InvalidInput: There is no part, or a part or the sum lies outside 0 to 1.
    """
    ratios = tuple(parts)
    total = sum(ratios, Decimal(0))
    if not ratios or any(not 0 <= ratio <= 1 for ratio in (*ratios, total)):
        raise InvalidInput(
            f"haircut parts {', '.join(map(str, ratios)) or 'none'} do not stay within 0 to 1",
            zh="折扣系数须在 0 至 1 之间",
            field=HAIRCUT_KEY,
            remedy="Enter each haircut as a ratio, 0.40 for 40%.",
            remedy_zh="请以小数录入，例如 40% 记为 0.40。",
        )
    return total


def haircut_value_cny(market_value_cny: Decimal, haircut_ratio: Decimal) -> Decimal:
    """Give the collateral value C (1 - h), to the fen."""
    return cny(market_value_cny * (1 - haircut_ratio))


def haircut_for(
    book: ParameterBook, facts: HaircutFacts, *, table: RecordedTable, valid_on: date, known_at: datetime
) -> Haircut:
    """Put a haircut together: the row of the table says which of the bank's dated parts count.

    Raises:
        MissingData: The table does not decide, or the bank has no part that the row counts; nothing is assumed.
    """
    rule = HaircutRule(table=table, facts=facts)
    counted = ((rule.row.price_share, facts.price_scope), (rule.row.currency_share, CURRENCY_SCOPE))
    return Haircut(
        parts=tuple(
            book.on(HAIRCUT_KEY, valid_on=valid_on, known_at=known_at, scope=scope) for share, scope in counted if share
        ),
        rule=rule,
    )


def haircut_figures(haircut: Haircut, unit: Unit, figures: FigureList) -> tuple[str, ...]:
    """Add the haircut of a unit to a trace, and name the figures that a value takes it from."""
    parts = part_figures(haircut, figures)
    if haircut.rule is None:
        return parts
    notes, policy = haircut_notes(haircut), haircut.policy
    if policy is None:
        return (
            figures.result(
                f"haircut_ratio_{unit}", (f"{unit} 折扣系数", f"{unit} haircut"), haircut.ratio, "ratio",
                haircut_formula(haircut), inputs=parts, note_zh=notes[0], note_en=notes[1],
            ),
        )  # fmt: skip
    dated = figures.result(
        f"haircut_dated_{unit}", (f"{unit} 折扣系数（表值）", f"{unit} haircut of the dated table"),
        haircut.dated_ratio, "ratio", haircut_formula(haircut), inputs=parts, note_zh=notes[0], note_en=notes[1],
    )  # fmt: skip
    return (policy_figures(policy, unit, figures, ratio=haircut.ratio, inputs=(dated,)),)


def whole_haircut_figure(haircut: Haircut, unit: Unit, figures: FigureList) -> str:
    """Add the bank's own haircut of a repo's units as one figure, with what it is the larger of, and give its name.

    In decisions made before a policy said what is confirmed under it, the policy stood in the figure alone.
    """
    parts, notes, policy = part_figures(haircut, figures), haircut_notes(haircut), haircut.policy
    label = ("折扣系数合计", "Haircut")
    if policy is None or policy.is_confirmed is None:
        return figures.result(
            "haircut", label, haircut.ratio, "ratio", haircut_formula(haircut), inputs=parts, note_zh=notes[0],
            note_en=notes[1],
        )  # fmt: skip
    dated = figures.result(
        "haircut_dated", ("折扣系数（表值）", "Haircut of the dated table"), haircut.dated_ratio, "ratio",
        haircut_formula(haircut), inputs=parts, note_zh=notes[0], note_en=notes[1],
    )  # fmt: skip
    larger = policy_figures(policy, unit, figures, ratio=haircut.ratio, inputs=(dated,))
    note_zh, note_en = policy.notes
    return figures.result(
        "haircut", label, haircut.ratio, "ratio", "max(dated table, policy)", inputs=(larger,), note_zh=note_zh,
        note_en=note_en,
    )  # fmt: skip


def policy_figures(
    policy: PolicyHaircut, unit: Unit, figures: FigureList, *, ratio: Decimal, inputs: tuple[str, ...]
) -> str:
    """Add what a policy makes of a unit and the haircut that counts, and give the name of the latter."""
    note_zh, note_en = policy.notes
    named = [
        *inputs,
        figures.fact(
            f"haircut_policy_{unit}", (f"{unit} 折扣系数（政策）", f"{unit} haircut by policy"), policy.ratio, "ratio",
            policy.policy, confirmed=policy.is_confirmed is not False, note_zh=note_zh, note_en=note_en,
        ),
    ]  # fmt: skip
    if policy.decision_id:
        named.append(
            figures.fact(
                f"haircut_decision_{unit}", (f"{unit} 折扣系数（决定编号）", f"{unit} decision of the haircut"),
                policy.decision_id, "code", policy.policy,
            )
        )  # fmt: skip
    return figures.result(
        f"haircut_ratio_{unit}", (f"{unit} 折扣系数", f"{unit} haircut"), ratio, "ratio",
        "max(dated table, policy)", inputs=named, note_zh=note_zh, note_en=note_en,
    )  # fmt: skip


def part_figures(haircut: Haircut, figures: FigureList) -> tuple[str, ...]:
    """Add the row that hit, with its clause, and the dated parts it counts; give their names."""
    parts = tuple(figures.parameter(f"haircut_{part.scope}", part) for part in haircut.parts)
    return parts if haircut.rule is None else (_row_figure(haircut.rule, figures), *parts)


def haircut_formula(haircut: Haircut) -> str:
    """Give the formula of a haircut, as a trace writes it."""
    if haircut.rule is None:
        return "sum of parts, never a product"
    return "price share·h + currency share·h_FX + additional"


def haircut_notes(haircut: Haircut) -> tuple[str, str]:
    """Say in Chinese and English what became of the rows that did not hit."""
    return ("", "") if haircut.rule is None else haircut.rule.row.notes[1]


def _row_figure(rule: HaircutRule, figures: FigureList) -> str:
    row = rule.row
    clause = row.outcome.clause
    shares = row.price_share, row.currency_share, row.additional_ratio
    (zh, en), _ = row.notes
    return figures.add(
        Figure(
            name=f"haircut_row_{row.outcome.row_id}",
            label_zh="折扣系数表适用行",
            label_en="Row of the haircut table",
            value=row.outcome.row_id,
            unit="code",
            source=clause.document,
            parameter=row_use(rule.table, row.outcome),
            confirmed=clause.confirmed,
            note_zh="；".join(filter(None, ["价格部分×{}，汇率部分×{}，附加 {}".format(*shares), zh])),
            note_en="; ".join(filter(None, ["price part x {}, currency part x {}, additional {}".format(*shares), en])),
        )
    )


@lru_cache(maxsize=_RULES_KEPT)
def _row_of(rule: HaircutRule) -> HaircutRow:
    compiled = rule.table.compiled
    said = compiled.decide(rule.facts.asked())
    if isinstance(said, NotDecided):
        raise _undecided(compiled.table, said)
    outcome = said.outcomes[0]
    price_share, currency_share, additional_ratio = _shares(compiled.table, said)
    row = compiled.table.rows[outcome.place]
    return HaircutRow(
        outcome=outcome, price_share=price_share, currency_share=currency_share, additional_ratio=additional_ratio,
        notes=((row.note_zh, row.note_en), tried_words(compiled.table, said)),
    )  # fmt: skip


def _shares(table: DecisionTable, said: Decision) -> tuple[Decimal, ...]:
    answers = dict(zip([column.name for column in table.outputs], said.outcomes[0].outputs, strict=True))
    found = tuple(answers.get(name) for name, _, _ in _SHARES)
    shares = tuple(one for one in found if isinstance(one, Decimal))
    if len(shares) != len(_SHARES):
        raise InvalidInput(
            f"table {table.name} answers {answers}, not {', '.join(name for name, _, _ in _SHARES)} as ratios",
            zh=f"决策表 {table.name} 的输出应为 {'、'.join(zh for _, zh, _ in _SHARES)}",
            field=table.name,
        )
    return shares


def _undecided(table: DecisionTable, said: NotDecided) -> MissingData:
    titles = {column.name: column for column in table.inputs}
    words = [(titles[one.name], *missing_words(one.reason)) for one in said.missing]
    zh = "、".join(f"{column.title_zh}{why}" for column, why, _ in words) or "没有唯一适用的规则行"
    en = ", ".join(f"{column.name} is {why}" for column, _, why in words) or "no single row applies"
    return MissingData(
        f"table {table.name} does not decide: {en}",
        zh=f"折扣系数表 {table.name} 不作决定：{zh}",
        field=said.missing[0].name if said.missing else table.name,
        remedy="Bring what is missing, or correct the table; no haircut is assumed.",
        remedy_zh="请补充缺失项或更正决策表；系统不采用默认折扣系数。",
    )
