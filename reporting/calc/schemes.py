"""The terms of a subsidy scheme as dated parameters; a term without a value is known to be missing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from carbonfin.kernel.dates import CHINA
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from reporting.calc.facts import DOCUMENT_TITLES, FORM_TITLES, SIZE_TITLES, DocumentKind
from reporting.calc.tiers import read_tiers, tier_words

_PREFIX = "reporting.subsidy."
VAT_RATE_KEY = "reporting.vat_rate"
NO_CAP = "none"


class Term(StrEnum):
    """Terms a scheme may state; keys are `reporting.subsidy.TERM` with the scheme as scope."""

    TITLE = "title"
    BASIS = "basis"
    RATE = "rate"
    CAP_CNY = "cap_cny"
    CONDITIONS = "conditions"
    WINDOW_OPENS = "window_opens"
    WINDOW_CLOSES = "window_closes"
    SETTLED_ONLY = "settled_only"
    KEY_EMITTER_ONLY = "key_emitter_only"
    DOCUMENTS = "documents"
    ANNOUNCEMENT_REQUIRED = "announcement_required"
    BUDGET_CNY = "budget_cny"
    STACKING = "stacking"
    DISTRICTS = "districts"
    SIZES = "sizes"
    FORMS = "forms"
    DISQUALIFIERS = "disqualifiers"
    PENALTY_YEARS = "penalty_years"
    LATE_SURRENDER_YEARS = "late_surrender_years"
    AFFILIATES = "affiliates"
    MAX_YEARS = "max_years"
    CAP_PROJECT_CNY = "cap_project_cny"
    CAP_TOTAL_CNY = "cap_total_cny"
    RATE_TIERS = "rate_tiers"
    BUDGET_CLAUSE = "budget_clause"

    __hash__ = str.__hash__  # the enumeration's own asks Python code at each look-up


_KEYS = {term: _PREFIX + term for term in Term}


class Disqualifier(StrEnum):
    """What keeps an applicant from any grant."""

    SERIOUS_DISHONESTY = "serious_dishonesty"
    PENALTY = "penalty"
    LATE_SURRENDER = "late_surrender"


class AffiliateRule(StrEnum):
    """How firms of one group stand to one another."""

    ONCE_A_YEAR = "once_a_year"
    CAPPED_TOGETHER = "capped_together"


class Basis(StrEnum):
    """What the rate is applied to."""

    FINANCING_COST_NET_OF_VAT = "financing_cost_net_of_vat"
    PRINCIPAL = "principal"


_BASIS_WORDS = {
    Basis.FINANCING_COST_NET_OF_VAT: ("实际融资成本（不含税）", "actual financing cost net of VAT"),
    Basis.PRINCIPAL: ("贷款金额", "loan principal"),
}
DISQUALIFIER_TITLES = {
    Disqualifier.SERIOUS_DISHONESTY: ("严重失信", "seriously dishonest"),
    Disqualifier.PENALTY: ("处罚期内", "within the window of a penalty"),
    Disqualifier.LATE_SURRENDER: ("未按期足额清缴", "surrendered late or too little"),
}
_AFFILIATE_WORDS = {
    AffiliateRule.ONCE_A_YEAR: ("同一集团每年只资助一家", "one firm of a group a year"),
    AffiliateRule.CAPPED_TOGETHER: ("同一集团合并计算上限和年限", "caps and years count for the group"),
}
_CODE_WORDS = {"yes": ("是", "yes"), "no": ("否", "no"), NO_CAP: ("无上限", "no cap")}
_NOTHING_WORDS = ("无此限制", "no such limit")
_LIST_WORDS: dict[Term, Mapping[str, tuple[str, str]]] = {
    Term.FORMS: {form.value: titles for form, titles in FORM_TITLES.items()},
    Term.SIZES: {size.value: titles for size, titles in SIZE_TITLES.items()},
    Term.DISQUALIFIERS: {one.value: titles for one, titles in DISQUALIFIER_TITLES.items()},
    Term.AFFILIATES: {one.value: titles for one, titles in _AFFILIATE_WORDS.items()},
    Term.DISTRICTS: {},
}
# Without these no amount can be worked out at all.
AMOUNT_TERMS = (Term.BASIS, Term.RATE)
# Without these an amount can be worked out but not proposed for payment: it might be too large.
LIMITING_TERMS = (
    Term.CONDITIONS,
    Term.CAP_CNY,
    Term.SETTLED_ONLY,
    Term.KEY_EMITTER_ONLY,
    Term.ANNOUNCEMENT_REQUIRED,
)
BINDING_TERMS = (
    Term.DISTRICTS,
    Term.SIZES,
    Term.FORMS,
    Term.DISQUALIFIERS,
    Term.PENALTY_YEARS,
    Term.LATE_SURRENDER_YEARS,
    Term.AFFILIATES,
    Term.MAX_YEARS,
    Term.CAP_PROJECT_CNY,
    Term.CAP_TOTAL_CNY,
)
"""Terms that a scheme may have or not: one that it is known to have and nobody has read limits like those above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeTerms:
    """What is known of one scheme on a day.

    Attributes:
        scheme: Its code.
        values: One value a term; a term that a text is known to hold but nobody has read has an empty value.
        vat_rate: VAT on interest, contained in the voucher's amount.
    """

    scheme: str
    values: tuple[ParameterValue, ...]
    vat_rate: ParameterValue | None

    def under(self, draft: ParameterValue) -> "SchemeTerms":
        """Give the terms with a draft in the place of its value, or behind the others; another scheme's leaves them."""
        if draft.key == VAT_RATE_KEY:
            return replace(self, vat_rate=draft)
        if draft.scope != self.scheme:
            return self
        values = tuple(draft if value.key == draft.key else value for value in self.values)
        return replace(self, values=values if draft in values else (*values, draft))

    def find(self, term: Term) -> ParameterValue | None:
        """Give the term's value, None where the scheme has none or it was never read."""
        value = self.entry(term)
        return value if value is not None and value.value else None

    def entry(self, term: Term) -> ParameterValue | None:
        """Give the term's entry even where its value is empty, with its document and clause."""
        key = _KEYS[term]
        for value in self.values:  # asked some ten times an application, so without a generator
            if value.key == key:
                return value
        return None

    @property
    def title(self) -> str:
        """The scheme's name, or its code where the name is not known."""
        value = self.find(Term.TITLE)
        return value.value if value else self.scheme

    def clause(self, term: Term) -> str:
        """Give document and article of a term, for people."""
        entry = self.entry(term)
        return "未读到条文" if entry is None else f"{entry.document} {entry.article}".strip()

    @property
    def required_documents(self) -> tuple[DocumentKind, ...] | None:
        """The documents asked for, None where the list is not known."""
        value = self.find(Term.DOCUMENTS)
        return None if value is None else tuple(DocumentKind(name) for name in value.value.split(","))

    @property
    def window(self) -> tuple[datetime, datetime] | None:
        """Both ends of the filing window as printed, in China's time; both are inside."""
        opens, closes = self.find(Term.WINDOW_OPENS), self.find(Term.WINDOW_CLOSES)
        if opens is None or closes is None:
            return None
        return _china_instant(opens), _china_instant(closes)

    def is_known(self, term: Term) -> bool:
        """Whether the term has a value."""
        return self.find(term) is not None

    def limit(self, term: Term) -> ParameterValue | None:
        """Give a term that limits, None where the scheme says `none`, has none or nobody has read it."""
        value = self.find(term)
        return None if value is None or value.value == NO_CAP else value

    def listed(self, term: Term) -> tuple[str, ...]:
        """Give the codes or names that a term lists; empty where it limits nothing or is not known.

        Raises:
            InvalidInput: It lists a code that the term does not have.
        """
        value = self.limit(term)
        names = () if value is None else tuple(name.strip() for name in value.value.split(","))
        codes = _LIST_WORDS[term]
        strange = [name for name in names if not name or (codes and name not in codes)]
        if value is not None and strange:
            raise InvalidInput(
                f"parameter {value.key} lists {strange[0]!r}; {', '.join(codes) or 'names'} are expected",
                zh=f"参数 {value.key} 中的“{strange[0]}”无法识别",
                field=value.key,
                remedy="Correct the value in the rulebook: codes parted by commas, or none.",
                remedy_zh="请在规则库中更正：以英文逗号分隔代码，无此限制填 none。",
            )
        return names


def words_of(value: ParameterValue) -> tuple[str, str]:
    """Give a term's value in words: codes spelled out, rates as percentages, an empty value as not confirmed."""
    term = value.key.removeprefix(_PREFIX)
    if not value.value:
        return "未确认", "not confirmed"
    if term == Term.DOCUMENTS:
        titles = [DOCUMENT_TITLES[DocumentKind(name)] for name in value.value.split(",")]
        return "、".join(zh for zh, _ in titles), ", ".join(en for _, en in titles)
    if term == Term.BASIS:
        return _BASIS_WORDS[Basis(value.value)]
    if value.unit == "ratio":
        percent = f"{(value.decimal * 100).normalize():f}%"
        return percent, percent
    if term in _LIST_WORDS and value.value != NO_CAP:
        titles = [_LIST_WORDS[Term(term)].get(name.strip(), (name, name)) for name in value.value.split(",")]
        return "、".join(zh for zh, _ in titles), ", ".join(en for _, en in titles)
    if term in BINDING_TERMS and value.value == NO_CAP:
        return _NOTHING_WORDS
    if term == Term.RATE_TIERS:
        return tier_words(read_tiers(value))
    if value.unit == "instant":
        minute = value.value.replace("T", " ")
        return minute, minute
    return _CODE_WORDS.get(value.value, (value.value, value.value))


def terms_of(book: ParameterBook, scheme: str, *, valid_on: date, known_at: datetime) -> SchemeTerms:
    """Give the terms of a scheme valid on a day as known at an instant.

    Raises:
        NotFound: The book has no such scheme.
    """
    if scheme not in schemes_of(book):
        raise NotFound(
            f"there is no subsidy scheme {scheme!r}",
            zh=f"没有贴息项目“{scheme}”",
            field="scheme",
            remedy="Known schemes: " + ", ".join(schemes_of(book)) + ".",
            remedy_zh="可用项目：" + "、".join(schemes_of(book)) + "。",
        )
    found = (book.find(_PREFIX + term, valid_on=valid_on, known_at=known_at, scope=scheme) for term in Term)
    return SchemeTerms(
        scheme=scheme,
        values=tuple(value for value in found if value is not None),
        vat_rate=book.find(VAT_RATE_KEY, valid_on=valid_on, known_at=known_at),
    )


def is_of_schemes(key: str) -> bool:
    """Whether a parameter is one that subsidies are decided by."""
    return key == VAT_RATE_KEY or key in {_PREFIX + term for term in Term}


def schemes_of(book: ParameterBook) -> list[str]:
    """Give the codes of all schemes a book knows of."""
    return book.scopes(_PREFIX + Term.TITLE)


def _china_instant(value: ParameterValue) -> datetime:
    try:
        return datetime.fromisoformat(value.value).replace(tzinfo=CHINA)
    except ValueError as error:
        raise InvalidInput(
            f"parameter {value.key} reads {value.value!r}, a day with hours is expected",
            zh=f"参数 {value.key} 应为日期和时刻",
            field=value.key,
        ) from error
