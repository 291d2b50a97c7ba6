"""Caps of a scheme: an applicant a year, a project (loan contract), an applicant in all years; what each leaves."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypedDict

from carbonfin.kernel.dates import china_day
from reporting.calc.facts import SubsidyApplication
from reporting.calc.read_terms import ReadTerms
from reporting.calc.schemes import AffiliateRule, Term

_ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """One cap with what was granted under it before.

    Attributes:
        term: The term of the scheme.
        name: Of the figure of what was granted.
        limit_cny: None where the scheme has no such cap, or nobody has read it.
        granted_cny: Granted under it before.
    """

    term: Term
    name: str
    label_zh: str
    label_en: str
    title_zh: str
    limit_cny: Decimal | None
    granted_cny: Decimal

    @property
    def left_cny(self) -> Decimal | None:
        """What it leaves, 元; None where it limits nothing."""
        return None if self.limit_cny is None else max(_ZERO, self.limit_cny - self.granted_cny)


class GrantedBefore(TypedDict):
    """What decisions before an application granted, as the inputs of its own decision name it."""

    granted_this_year_cny: Decimal
    granted_to_project_cny: Decimal | None
    granted_in_all_cny: Decimal | None
    granted_years: tuple[int, ...] | None


def caps_of(
    terms: ReadTerms, *, this_year_cny: Decimal, to_project_cny: Decimal | None, in_all_cny: Decimal | None
) -> tuple[Cap, ...]:
    """Give the caps of a scheme: that of the year always, the others where the scheme has them."""
    year = Cap(
        term=Term.CAP_CNY, name="granted_this_year_cny", label_zh="本年度已资助", label_en="Granted this year",
        title_zh="年度上限", limit_cny=terms.limits.get(Term.CAP_CNY), granted_cny=this_year_cny,
    )  # fmt: skip
    project = Cap(
        term=Term.CAP_PROJECT_CNY, name="granted_to_project_cny", label_zh="本合同已资助",
        label_en="Granted for the contract", title_zh="单个项目（合同）上限",
        limit_cny=terms.limits.get(Term.CAP_PROJECT_CNY), granted_cny=to_project_cny or _ZERO,
    )  # fmt: skip
    in_all = Cap(
        term=Term.CAP_TOTAL_CNY, name="granted_in_all_cny", label_zh="各年度累计已资助",
        label_en="Granted in all years", title_zh="累计上限", limit_cny=terms.limits.get(Term.CAP_TOTAL_CNY),
        granted_cny=in_all_cny or _ZERO,
    )  # fmt: skip
    return (year, *(cap for cap in (project, in_all) if cap.limit_cny is not None))


def limited_by(calculated_cny: Decimal, caps: Iterable[Cap]) -> tuple[Decimal, str]:
    """Cut an amount to the least that a cap leaves, and say by which caps in Chinese.

    proposed = min(calculated, cap - granted before) over all caps, never below nought.
    """
    cutting = [cap for cap in caps if cap.left_cny is not None and cap.left_cny < calculated_cny]
    words = (f"{cap.title_zh} {cap.limit_cny} 元，已资助 {cap.granted_cny} 元" for cap in cutting)
    return min([calculated_cny, *(cap.left_cny or _ZERO for cap in cutting)]), "；".join(words)


class Granted:
    """What a batch has granted so far, by applicant and year, by contract, and by applicant in all years.

    Where a scheme caps a group's firms together, the group stands in the place of its firms.
    """

    def __init__(self) -> None:
        self._by_year: dict[tuple[str, str, int], Decimal] = defaultdict(lambda: _ZERO)
        self._by_project: dict[tuple[str, str, str], Decimal] = defaultdict(lambda: _ZERO)
        self._in_all: dict[tuple[str, str], Decimal] = defaultdict(lambda: _ZERO)
        self._years: dict[tuple[str, str], set[int]] = defaultdict(set)

    def before(self, application: SubsidyApplication, terms: ReadTerms) -> GrantedBefore:
        """Give what was granted before an application, of what its scheme's terms ask for."""
        holder, project, year = _keys(application, terms)
        return GrantedBefore(
            granted_this_year_cny=self._by_year[*holder, year],
            granted_to_project_cny=self._by_project[project] if Term.CAP_PROJECT_CNY in terms.limits else None,
            granted_in_all_cny=self._in_all[holder] if Term.CAP_TOTAL_CNY in terms.limits else None,
            granted_years=None if terms.max_years is None else tuple(sorted(self._years[holder])),
        )

    def add(self, application: SubsidyApplication, terms: ReadTerms, proposed_cny: Decimal | None) -> None:
        """Take in what qualifies; a year counts though its amount cannot be proposed yet, for it may be."""
        holder, project, year = _keys(application, terms)
        amount = proposed_cny or _ZERO
        self._by_year[*holder, year] += amount
        self._by_project[project] += amount
        self._in_all[holder] += amount
        if proposed_cny is None or proposed_cny:
            self._years[holder].add(year)


def _keys(application: SubsidyApplication, terms: ReadTerms) -> tuple[tuple[str, str], tuple[str, str, str], int]:
    scheme, note = application.scheme, application.loan_note
    together = AffiliateRule.CAPPED_TOGETHER in terms.lists[Term.AFFILIATES] and application.group
    holder = application.group if together and application.group else application.applicant_usci
    return (scheme, holder), (scheme, note.bank_name, note.contract_number), china_day(application.submitted_at).year
