"""Criteria on the applicant that a scheme may state: district, size, form, what disqualifies, group, years at most."""

from datetime import date

from reporting.calc.eligibility import Answer, Criterion, CriterionResult
from reporting.calc.facts import FORM_TITLES, SIZE_TITLES, ApplicantRecord, SubsidyApplication
from reporting.calc.read_terms import ReadTerms
from reporting.calc.schemes import DISQUALIFIER_TITLES, Disqualifier, Term

_Found = tuple[Answer, str, str]
_NOT_STATED: _Found = (Answer.UNKNOWN, "未说明", "not stated")


def applicant_criteria(
    application: SubsidyApplication, terms: ReadTerms, *, filed_on: date, granted_years: tuple[int, ...] | None
) -> list[CriterionResult]:
    """Answer each criterion on the applicant that the scheme's terms ask for; none where they ask for none.

    Args:
        application: The file.
        terms: The scheme's terms on the day of filing.
        filed_on: That day, in China.
        granted_years: Years of filing in which the applicant stands with a grant under the scheme already.
    """
    form, size, district = application.form, application.size, application.district
    of_lists = (
        (Criterion.DISTRICT, Term.DISTRICTS, district or None, (district or "", district or "")),
        (Criterion.SIZE, Term.SIZES, size, ("", "") if size is None else SIZE_TITLES[size]),
        (Criterion.FORM, Term.FORMS, form, ("", "") if form is None else FORM_TITLES[form]),
    )
    results = [
        _result(criterion, terms, term, _listed(stated, titles, terms.lists[term]))
        for criterion, term, stated, titles in of_lists
        if terms.lists[term]
    ]
    if terms.lists[Term.DISQUALIFIERS]:
        results.append(_standing(application.record, terms, filed_on))
    if terms.lists[Term.AFFILIATES]:
        results.append(_result(Criterion.AFFILIATES, terms, Term.AFFILIATES, _group(application.group)))
    if terms.max_years is not None:
        years = _years(filed_on.year, granted_years or (), terms.max_years)
        results.append(_result(Criterion.YEARS, terms, Term.MAX_YEARS, years))
    return results


def _result(criterion: Criterion, terms: ReadTerms, term: Term, found: _Found) -> CriterionResult:
    answer, zh, en = found
    return CriterionResult(criterion=criterion, answer=answer, clause=terms.clause(term), found_zh=zh, found_en=en)


def _listed(stated: str | None, titles: tuple[str, str], wanted: tuple[str, ...]) -> _Found:
    if stated is None:
        return _NOT_STATED
    if stated in wanted:
        return Answer.MET, titles[0], titles[1]
    return Answer.NOT_MET, f"{titles[0]}，不在适用范围", f"{titles[1]}, which the scheme is not for"


def _group(group: str | None) -> _Found:
    if group is None:
        return Answer.UNKNOWN, "未说明所属集团", "whether it belongs to a group is not stated"
    return Answer.MET, f"所属集团 {group}" if group else "声明不属于任何集团", group or "stated to belong to none"


def _years(year: int, granted: tuple[int, ...], years_max: int) -> _Found:
    before = sorted(set(granted) - {year})
    count = len(before) + 1
    zh = f"第 {count} 个资助年度，最长 {years_max} 年" + (f"（此前 {'、'.join(map(str, before))}）" if before else "")
    en = f"year {count} of {years_max} at most"
    return Answer.MET if count <= years_max else Answer.NOT_MET, zh, en


def _standing(record: ApplicantRecord | None, terms: ReadTerms, filed_on: date) -> CriterionResult:
    """Answer whether anything disqualifies: one thing that does is enough, one that is not known decides nothing."""
    asked = [Disqualifier(code) for code in terms.lists[Term.DISQUALIFIERS]]
    found = [(one, _hit(one, record, terms, filed_on)) for one in asked]
    unread = [one for one in asked if record is not None and one in _WINDOWS and not terms.is_known(_WINDOWS[one])]
    hits, open_ones = [one for one, hit in found if hit], [one for one, hit in found if hit is None]
    words_zh, words_en = ([DISQUALIFIER_TITLES[one][place] for one in hits or open_ones or asked] for place in (0, 1))
    checked = "" if record is None else f"（{record.checked_on} 查询）"
    if hits:
        answer, zh, en = Answer.NOT_MET, f"{'、'.join(words_zh)}{checked}", ", ".join(words_en)
    elif open_ones:
        what = "期间未确认" if set(open_ones) <= set(unread) else "未查询"
        answer, zh, en = Answer.UNKNOWN, f"{'、'.join(words_zh)}：{what}", f"not known: {', '.join(words_en)}"
    else:
        answer, zh, en = Answer.MET, f"未见{'、'.join(words_zh)}{checked}", f"none of: {', '.join(words_en)}"
    return CriterionResult(
        criterion=Criterion.STANDING, answer=answer, clause=terms.clause(Term.DISQUALIFIERS), found_zh=zh, found_en=en,
        lacks_parameter=answer is Answer.UNKNOWN and set(open_ones) <= set(unread),
    )  # fmt: skip


_WINDOWS = {Disqualifier.PENALTY: Term.PENALTY_YEARS, Disqualifier.LATE_SURRENDER: Term.LATE_SURRENDER_YEARS}


def _hit(one: Disqualifier, record: ApplicantRecord | None, terms: ReadTerms, filed_on: date) -> bool | None:
    """Say whether it disqualifies, None where that is not known; a window reaches back from the day of filing."""
    if record is None:
        return None
    if one is Disqualifier.SERIOUS_DISHONESTY:
        return record.is_seriously_dishonest
    years = terms.find(_WINDOWS[one])
    if one is Disqualifier.PENALTY:
        if not record.penalised_on or years is None:
            return None if record.penalised_on is None or years is None else False
        since = _years_before(filed_on, years.integer)
        return any(day >= since for day in record.penalised_on)
    if record.late_surrender_years is None or years is None:
        return None
    return any(year >= filed_on.year - years.integer for year in record.late_surrender_years)


def _years_before(day: date, years: int) -> date:
    """Give the same day so many years before; 29 February stands for the 28th where there is none: the wider window."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
