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
from reporting.calc.schemes import BINDING_TERMS, LIMITING_TERMS, Basis, SchemeTerms, Term, words_of
from reporting.calc.tiers import RateTier, read_tiers

_TRACED_TERMS = (Term.BASIS, Term.RATE, Term.RATE_TIERS, *LIMITING_TERMS, *BINDING_TERMS)
_CAPS = (Term.CAP_CNY, Term.CAP_PROJECT_CNY, Term.CAP_TOTAL_CNY)
_LISTS = (Term.DISTRICTS, Term.SIZES, Term.FORMS, Term.DISQUALIFIERS, Term.AFFILIATES)
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
        limits: Amounts of the caps by term, where there is one.
        max_years: Years an applicant is granted at most, None where nothing limits them.
        tiers: Rates by part of the base where they stand in the place of one rate; else empty.
        are_limits_read: Whether every term that limits an amount was read, those that not every scheme has included.
        unconfirmed: What a person must still confirm, in Chinese.
        term_figures: The figures of base, rate and limits.
        lists: Codes and names by term, of the terms that list any.
        vat_figure: The figure of the VAT rate, None while that is not known.
    """

    terms: SchemeTerms
    values: Mapping[Term, ParameterValue]
    clauses: Mapping[Term, str]
    window: tuple[datetime, datetime] | None
    window_zh: str
    required_documents: tuple[DocumentKind, ...] | None
    basis: Basis | None
    rate: Decimal | None
    vat_rate: Decimal | None
    limits: Mapping[Term, Decimal]
    max_years: int | None
    tiers: tuple[RateTier, ...]
    lists: Mapping[Term, tuple[str, ...]]
    are_limits_read: bool
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
    return instant.astimezone(CHINA).isoformat(" ", "minutes")[:16]  # a third of the time of a pattern


def read_terms(terms: SchemeTerms) -> ReadTerms:
    """Read a scheme's terms once.

    Raises:
        InvalidInput: A value cannot be read as what its term holds.
    """
    found = {term: value for term in Term if (value := terms.find(term)) is not None}
    basis, rate, vat_rate = found.get(Term.BASIS), found.get(Term.RATE), terms.vat_rate
    tiers, max_years = found.get(Term.RATE_TIERS), terms.limit(Term.MAX_YEARS)
    if rate is not None and tiers is not None:
        raise InvalidInput(
            f"scheme {terms.scheme} has a rate of {rate.value} and tiers too: it is one or the other",
            zh=f"项目 {terms.scheme} 同时录入了资助比例和分档比例",
            field=tiers.key,
            remedy="End one of the two in the rulebook.",
            remedy_zh="请在规则库中终止其一。",
        )
    return ReadTerms(
        terms=terms,
        values=found,
        clauses={term: terms.clause(term) for term in Term},
        window=terms.window,
        window_zh="" if terms.window is None else " 至 ".join(map(china_minute, terms.window)),
        required_documents=terms.required_documents,
        basis=None if basis is None else _basis(basis),
        rate=None if rate is None else rate.decimal,
        vat_rate=None if vat_rate is None else vat_rate.decimal,
        limits={term: limit.decimal for term in _CAPS if (limit := terms.limit(term)) is not None},
        max_years=None if max_years is None else max_years.integer,
        tiers=() if tiers is None else read_tiers(tiers),
        lists={term: terms.listed(term) for term in _LISTS},
        are_limits_read=all(term in found for term in LIMITING_TERMS) and not _unread(terms),
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


def _unread(terms: SchemeTerms) -> list[ParameterValue]:
    """Give the terms that the scheme is known to have beside those of every scheme, and that nobody has read."""
    entries = (terms.entry(term) for term in BINDING_TERMS)
    return [entry for entry in entries if entry is not None and not entry.value]


def _unconfirmed(terms: SchemeTerms) -> tuple[str, ...]:
    names: list[str] = []
    for term, (zh, _) in _LIMIT_NAMES.items():
        if not terms.is_known(term):
            entry = terms.entry(term)
            article = f"（{entry.article}）" if entry is not None and entry.article.startswith("第") else ""
            names.append(f"{zh}{article}未确认")
    if unread := _unread(terms):
        names.append(f"{'、'.join(entry.title_zh or entry.key for entry in unread)}未确认")
    names.extend(
        f"{value.title_zh} {value.value} 未确认" for value in terms.values if value.value and not value.confirmed
    )
    if terms.vat_rate is not None and not terms.vat_rate.confirmed:
        names.append(f"{terms.vat_rate.title_zh} {terms.vat_rate.value} 未确认")
    return tuple(names)
