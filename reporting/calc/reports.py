"""The bureau's report of a quarter as values: one line an application, failures among them, and a summary."""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from carbonfin.kernel.batch import Failure
from carbonfin.rules.record import ADDED_LATER, digest_of
from reporting.calc.batches import FiledApplication
from reporting.calc.facts import SubsidyApplication
from reporting.calc.schemes import SchemeTerms, Term, words_of
from reporting.calc.subsidies import Outcome, SubsidyDecision
from reporting.calc.summaries import BatchSummary

_MAY_YET_BE_PROPOSED = frozenset({Outcome.QUALIFIES, Outcome.UNDECIDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """One application in the report.

    Attributes:
        decision_id: The decision on record, which opens the trace.
        scheme_title: Name of the scheme as its terms give it.
        rate: Rate of the grant, None while it is not known.
        cap_text: Cap in words: an amount, 无上限 or 未确认.
        allocated_cny: Share of the budget, None where no budget is known.
    """

    application_id: str
    decision_id: str
    scheme_title: str
    rate: Decimal | None
    cap_text: str
    application: SubsidyApplication
    decision: SubsidyDecision
    allocated_cny: Decimal | None

    @property
    def granted_cny(self) -> Decimal | None:
        """拟资助金额 after the share of the budget, 元; None where no amount is proposed."""
        return self.decision.proposed_cny if self.allocated_cny is None else self.allocated_cny


@dataclass(frozen=True, slots=True, kw_only=True)
class TermSource:
    """One term of one scheme with where it stands, for 来源与口径."""

    scheme_title: str
    title_zh: str
    value: str
    source: str
    digest: str
    confirmed: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLine:
    """What a report keeps of a line beside its application and its decision, which stand on record themselves.

    Attributes:
        application_digest: SHA-256 over the canonical text of the application.
        outputs_digest: SHA-256 over the canonical text of the decision, as its record has it.
    """

    application_id: str
    decision_id: str
    scheme_title: str
    rate: Decimal | None
    cap_text: str
    allocated_cny: Decimal | None
    application_digest: str
    outputs_digest: str

    @classmethod
    def of(cls, line: ReportLine, *, application_digest: str, outputs_digest: str) -> "KeptLine":
        """Give what is kept of a line."""
        return cls(
            application_id=line.application_id, decision_id=line.decision_id, scheme_title=line.scheme_title,
            rate=line.rate, cap_text=line.cap_text, allocated_cny=line.allocated_cny,
            application_digest=application_digest, outputs_digest=outputs_digest,
        )  # fmt: skip

    def line(self, application: SubsidyApplication, decision: SubsidyDecision) -> ReportLine:
        """Give the line again from what stands on record."""
        return ReportLine(
            application_id=self.application_id, decision_id=self.decision_id, scheme_title=self.scheme_title,
            rate=self.rate, cap_text=self.cap_text, application=application, decision=decision,
            allocated_cny=self.allocated_cny,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsidyReport:
    """A quarter's applications decided as of a day.

    Attributes:
        lines_digest: SHA-256 over what is kept of the lines; None in a report that is not kept, and in those kept
            whole before lines were kept by digest.
    """

    report_id: str
    quarter: str
    as_of: date
    reporting_body: str
    prepared_by: str
    is_sample: bool
    lines: tuple[ReportLine, ...]
    failures: tuple[Failure, ...]
    summary: BatchSummary
    sources: tuple[TermSource, ...]
    lines_digest: str | None = field(default=None, metadata=ADDED_LATER)

    @property
    def digest(self) -> str:
        """SHA-256 over the whole content; lines stand in it by the digest over what is kept of them."""
        return digest_of(self if self.lines_digest is None else replace(self, lines=()))

    @property
    def unproposed_count(self) -> int:
        """How many applications may yet get an amount once the terms that limit it are read."""
        return sum(
            line.decision.outcome in _MAY_YET_BE_PROPOSED and line.decision.proposed_cny is None for line in self.lines
        )

    @property
    def calculated_cny(self) -> Decimal | None:
        """测算金额 in all, 元; None where no application qualifies yet and one is undecided: that is no zero."""
        qualified = any(line.decision.calculated_cny is not None for line in self.lines)
        return self.summary.calculated_cny if qualified or not self.unproposed_count else None

    @property
    def proposed_cny(self) -> Decimal | None:
        """拟资助金额 in all, 元; None where nothing could be proposed yet and something waits: that is no zero."""
        proposed = any(line.decision.proposed_cny is not None for line in self.lines)
        return self.summary.proposed_cny if proposed or not self.unproposed_count else None

    @property
    def granted_cny(self) -> Decimal | None:
        """拟资助金额 in all after the share of the budget, 元; None as for `proposed_cny`."""
        if self.proposed_cny is None:
            return None
        return sum((line.granted_cny for line in self.lines if line.granted_cny is not None), Decimal("0.00"))

    def line_of(self, application_id: str) -> ReportLine | None:
        """Give the line of an application, if it is in the report."""
        return next((line for line in self.lines if line.application_id == application_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHead:
    """A report in a list of reports.

    Attributes:
        line_count: How many applications it holds; None where that cannot be said.
        is_damaged: What is stored no longer has its digest; count and amounts are not known then.
    """

    report_id: str
    quarter: str
    as_of: date
    prepared_by: str
    line_count: int | None
    calculated_cny: Decimal | None
    proposed_cny: Decimal | None
    is_damaged: bool = False

    @classmethod
    def of(cls, report: SubsidyReport) -> "ReportHead":
        """Give the head of a report."""
        return cls(
            report_id=report.report_id, quarter=report.quarter, as_of=report.as_of, prepared_by=report.prepared_by,
            line_count=len(report.lines), calculated_cny=report.calculated_cny, proposed_cny=report.proposed_cny,
        )  # fmt: skip


def line_of(
    filed: FiledApplication,
    *,
    decision_id: str,
    decision: SubsidyDecision,
    terms: SchemeTerms,
    allocated_cny: Decimal | None,
) -> ReportLine:
    """Make the report's line of one decided application."""
    rate = terms.find(Term.RATE)
    return ReportLine(
        application_id=filed.application_id,
        decision_id=decision_id,
        scheme_title=terms.title,
        rate=None if rate is None else rate.decimal,
        cap_text=_cap_text(terms),
        application=filed.application,
        decision=decision,
        allocated_cny=allocated_cny,
    )


def _cap_text(terms: SchemeTerms) -> str:
    """Say the caps in words: of a year always, of a project and of all years where there are such."""
    if not terms.is_known(Term.CAP_CNY):
        return "未确认"
    units = ((Term.CAP_CNY, "年"), (Term.CAP_PROJECT_CNY, "项目"), (Term.CAP_TOTAL_CNY, "累计"))
    caps = [f"{cap.decimal} 元／{unit}" for term, unit in units if (cap := terms.limit(term)) is not None]
    return "；".join(caps) or "无上限"


def sources_of(all_terms: tuple[SchemeTerms, ...]) -> tuple[TermSource, ...]:
    """Give the terms used, each once, in the order of first use."""
    found: dict[str, TermSource] = {}
    for terms in {id(terms): terms for terms in all_terms}.values():
        values = [*terms.values, *([] if terms.vat_rate is None else [terms.vat_rate])]
        for value in values:
            found.setdefault(
                value.digest,
                TermSource(
                    scheme_title=terms.title,
                    title_zh=value.title_zh,
                    value=words_of(value)[0],
                    source=f"{value.document} {value.article}".strip(),
                    digest=value.digest,
                    confirmed=value.confirmed,
                    note=value.note,
                ),
            )
    return tuple(found.values())
