"""The terms of a scheme read once: what every application of a batch asks of them, found and put into words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from carbonfin.kernel.dates import CHINA
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure
from reporting.calc.facts import DocumentKind
from reporting.calc.schemes import LIMITING_TERMS, Basis, SchemeTerms, Term, words_of

_TRACED_TERMS = (Term.BASIS, Term.RATE, *LIMITING_TERMS)
_LIMIT_NAMES = {
    Term.CONDITIONS: ("申请条件", "conditions"),
    Term.CAP_CNY: ("上限", "cap"),
    Term.SETTLED_ONLY: ("是否限已结清贷款", "whether for settled loans only"),
    Term.KEY_EMITTER_ONLY: ("是否限重点排放单位", "whether for key emitters only"),
    Term.ANNOUNCEMENT_REQUIRED: ("是否须质押公告", "whether an announcement is required"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTerms:
    """A scheme's terms as decisions ask for them; it says nothing that `terms` does not say.

    Attributes:
        window_zh: First and last minute of the window, in Chinese; empty while that is not known.
        unconfirmed: What a person must still confirm, in Chinese.
        term_figures: The figures of base, rate and limits.
        vat_figure: The figure of the VAT rate, None while that is not known.
    """

    terms: SchemeTerms
    values: Mapping[Term, ParameterValue]
    clauses: Mapping[Term, str]
    window: tuple[datetime, datetime] | None
    window_zh: str
    required_documents: tuple[DocumentKind, ...] | None
    cap_cny: Decimal | None
    basis: Basis | None
    rate: Decimal | None
    vat_rate: Decimal | None
    unconfirmed: tuple[str, ...]
    term_figures: tuple[Figure, ...]
    vat_figure: Figure | None

    def find(self, term: Term) -> ParameterValue | None:
        """Give the term's value, None where the scheme has none or it was never read."""
        return self.values.get(term)

    def clause(self, term: Term) -> str:
        """Give document and article of a term, for people."""
        return self.clauses[term]

    def is_known(self, term: Term) -> bool:
        """Whether the term has a value."""
        return term in self.values


def china_minute(instant: datetime) -> str:
    """Give an instant to the minute as a reader in China writes it."""
    return f"{instant.astimezone(CHINA):%Y-%m-%d %H:%M}"


def read_terms(terms: SchemeTerms) -> ReadTerms:
    """Read a scheme's terms once.

    Raises:
        InvalidInput: A value cannot be read as what its term holds.
    """
    found = {term: value for term in Term if (value := terms.find(term)) is not None}
    basis, rate, vat_rate = found.get(Term.BASIS), found.get(Term.RATE), terms.vat_rate
    return ReadTerms(
        terms=terms,
        values=found,
        clauses={term: terms.clause(term) for term in Term},
        window=terms.window,
        window_zh="" if terms.window is None else " 至 ".join(map(china_minute, terms.window)),
        required_documents=terms.required_documents,
        cap_cny=terms.cap_cny,
        basis=None if basis is None else _basis(basis),
        rate=None if rate is None else rate.decimal,
        vat_rate=None if vat_rate is None else vat_rate.decimal,
        unconfirmed=_unconfirmed(terms),
        term_figures=tuple(_term_figure(entry) for term in _TRACED_TERMS if (entry := terms.entry(term)) is not None),
        vat_figure=None if vat_rate is None else Figure.of_parameter("vat_rate", vat_rate),
    )


def _basis(value: ParameterValue) -> Basis:
    if value.value not in set(Basis):
        raise InvalidInput(
            f"parameter {value.key} is {value.value!r}, one of {', '.join(Basis)} is expected",
            zh=f"参数 {value.key} 应为 {'、'.join(Basis)} 之一",
            field=value.key,
            remedy="Correct the value in the rulebook.",
            remedy_zh="请在规则库中更正该取值。",
        )
    return Basis(value.value)


def _term_figure(entry: ParameterValue) -> Figure:
    """Give a term with its version; codes are spelled out, so that a reader needs no key."""
    figure = Figure.of_parameter(entry.key.removeprefix("reporting.subsidy."), entry)
    if entry.unit == "ratio" or not entry.value:
        return figure
    return replace(figure, value=words_of(entry)[0])


def _unconfirmed(terms: SchemeTerms) -> tuple[str, ...]:
    names: list[str] = []
    for term, (zh, _) in _LIMIT_NAMES.items():
        if not terms.is_known(term):
            entry = terms.entry(term)
            article = f"（{entry.article}）" if entry is not None and entry.article.startswith("第") else ""
            names.append(f"{zh}{article}未确认")
    names.extend(
        f"{value.title_zh} {value.value} 未确认" for value in terms.values if value.value and not value.confirmed
    )
    if terms.vat_rate is not None and not terms.vat_rate.confirmed:
        names.append(f"{terms.vat_rate.title_zh} {terms.vat_rate.value} 未确认")
    return tuple(names)
