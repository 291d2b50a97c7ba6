"""Lines of carbon accounts: taken with consent, the good rows kept and the bad named; corrections with a reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.documents.text_tables import contradicted, doubled, failure_of, line_of
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.parties import Party
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from carbonfin.storage.parties import load_party, parties_of
from loans.calc.account_entries import GREEN_KINDS, POWER_KINDS, AccountEntry, EntryKind, unit_of
from loans.calc.account_facts import refuse_clash
from loans.calc.account_slips import YearScale, slip_asked, year_scale
from loans.calc.accounts import grid_area_of
from loans.calc.consents import Consent, ConsentPurpose, ConsentState, refuse_without
from loans.feeds.account_files import EntryDraft, EntryFile, read_entry_file
from loans.service import facts
from loans.store import account_entries as store

GRID_FACTOR = "loans.grid_factor_t_per_mwh"
_Key = tuple[EntryKind, int, int, str]
_Read = tuple[int, Party, EntryDraft, AccountEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryImport:
    """What became of lines that were sent: the good ones stand, the bad ones are named.

    Attributes:
        encoding: As a file was read; empty where no file was sent.
        stored: False for a preview.
    """

    file_name: str
    encoding: str
    row_count: int
    added_count: int
    corrected_count: int
    unchanged_count: int
    failures: tuple[Failure, ...]
    stored: bool


def record_consent(
    session: Session, actor: Actor, party_id: str, consent: Consent, *, on: date, known_at: datetime
) -> None:
    """Write down that an enterprise consents to a use of its data, or withdraws; the same again changes nothing.

    Raises:
        NotFound: The bank knows no such enterprise.
        InvalidInput: The document is of a later day than today.
    """
    load_party(session, actor, party_id)
    if consent.given_on > on:
        raise InvalidInput(
            f"given_on {consent.given_on} is after {on}", zh=f"授权日 {consent.given_on} 晚于 {on}", field="given_on"
        )
    known = store.consents_of(session, actor, party_id, known_at=known_at, purpose=consent.purpose)
    if not known or known[-1] != consent:
        store.add_consent(session, actor, party_id, consent, recorded_at=known_at)


def consents_of(session: Session, actor: Actor, party_id: str, *, known_at: datetime) -> tuple[Consent, ...]:
    """Give what an enterprise consented to as known at an instant, the earliest first."""
    load_party(session, actor, party_id)
    return store.consents_of(session, actor, party_id, known_at=known_at)


def require_consent(
    session: Session, actor: Actor, party: Party, *, on: date, known_at: datetime,
    purpose: ConsentPurpose = ConsentPurpose.RATING,
) -> Consent:  # fmt: skip
    """Give the consent by which an enterprise's lines may be taken or used, for a rating unless another is named.

    Raises:
        NotApplicable: None stands on that day.
    """
    last = store.last_consent(session, actor, party.id, purpose=purpose, known_at=known_at)
    return refuse_without(last, purpose=purpose, on=on, code=party.code)


def refuse_withdrawn(session: Session, actor: Actor, party: Party, *, known_at: datetime) -> None:
    """Refuse to use what stands of an enterprise that withdrew its consent; figures of before consents may be used.

    Raises:
        NotApplicable: The last statement is a withdrawal.
    """
    purpose = ConsentPurpose.RATING
    last = store.last_consent(session, actor, party.id, purpose=purpose, known_at=known_at)
    if last is not None and last.state is ConsentState.WITHDRAWN:
        refuse_without(last, purpose=purpose, on=last.given_on, code=party.code)


def entries_of(session: Session, actor: Actor, party_id: str, *, known_at: datetime) -> tuple[AccountEntry, ...]:
    """Give the latest version of each line of an account as known at an instant."""
    load_party(session, actor, party_id)
    return store.entries_of(session, actor, party_id, known_at=known_at)


def entry_versions_of(
    session: Session, actor: Actor, party_id: str, *, known_at: datetime
) -> tuple[store.KeptEntry, ...]:
    """Give every version of each line of an account known at an instant, with when it was written down."""
    load_party(session, actor, party_id)
    return store.versions_of(session, actor, party_id, known_at=known_at)


def import_entry_file(
    session: Session, actor: Actor, *, content: bytes, file_name: str, on: date, known_at: datetime, preview: bool
) -> EntryImport:
    """Read a file of lines and keep the good rows; the bad are named with line and column.

    Raises:
        InvalidInput: The file as a whole cannot be read.
    """
    file = read_entry_file(content, file_name=file_name)
    return keep_entry_file(
        session, actor, file, purpose=ConsentPurpose.RATING, on=on, known_at=known_at, preview=preview
    )


def keep_entry_file(
    session: Session, actor: Actor, file: EntryFile, *, purpose: ConsentPurpose, on: date, known_at: datetime,
    preview: bool,
) -> EntryImport:  # fmt: skip
    """Keep the good of the lines that were read and name the bad; the purpose is what consent must stand for."""
    weighed = _weigh(session, actor, file.drafts, purpose=purpose, on=on, known_at=known_at)
    return _kept(
        session, actor, weighed, known_at=known_at, preview=preview, file_name=file.file_name, encoding=file.encoding,
        row_count=file.row_count, unread=file.failures,
    )  # fmt: skip


def record_entries(
    session: Session, actor: Actor, drafts: Sequence[EntryDraft], *, on: date, known_at: datetime
) -> EntryImport:
    """Keep the good of many lines and name the bad, by their place from 1."""
    file = EntryFile(
        file_name="", encoding="", row_count=len(drafts), drafts=tuple(enumerate(drafts, 1)), failures=()
    )  # fmt: skip
    return keep_entry_file(session, actor, file, purpose=ConsentPurpose.RATING, on=on, known_at=known_at, preview=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighed:
    """Lines set beside what stands."""

    added: list[tuple[str, AccountEntry]] = field(default_factory=list)
    unchanged: list[AccountEntry] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def corrected_count(self) -> int:
        """How many of the added lines stand beside an earlier one."""
        return sum(entry.version > 1 for _, entry in self.added)


def _kept(
    session: Session, actor: Actor, weighed: _Weighed, *, known_at: datetime, preview: bool, file_name: str,
    encoding: str, row_count: int, unread: Iterable[Failure],
) -> EntryImport:  # fmt: skip
    if not preview:
        store.add_entries(session, actor, weighed.added, recorded_at=known_at)
    return EntryImport(
        file_name=file_name,
        encoding=encoding,
        row_count=row_count,
        added_count=len(weighed.added) - weighed.corrected_count,
        corrected_count=weighed.corrected_count,
        unchanged_count=len(weighed.unchanged),
        failures=tuple(sorted([*unread, *weighed.failures], key=line_of)),
        stored=not preview and bool(weighed.added),
    )


def _weigh(
    session: Session, actor: Actor, drafts: Sequence[tuple[int, EntryDraft]], *, purpose: ConsentPurpose, on: date,
    known_at: datetime,
) -> _Weighed:  # fmt: skip
    """Set each line beside the account as it stands and the lines before it."""
    weighed = _Weighed()
    parties = {party.code: party for party in parties_of(session, actor)}
    named = [parties[draft.usci].id for _, draft in drafts if draft.usci in parties]
    consents = store.last_consents(session, actor, named, purpose=purpose, known_at=known_at)
    book = facts.parameters(session, actor)
    made: list[_Read] = []
    for line, draft in drafts:
        try:
            party = _party(draft, parties)
            refuse_without(consents.get(party.id), purpose=purpose, on=on, code=party.code)
            made.append((line, party, draft, _entry(draft, party, book, known_at=known_at)))
        except CarbonFinError as error:
            weighed.failures.append(failure_of(line, error.field, error))
    made = _sure(made, weighed.failures)
    certificates = [entry.item for _, _, _, entry in made if entry.kind in GREEN_KINDS]
    beside = _Beside(
        store.entries_by_party(session, actor, named, known_at=known_at),
        store.certificate_lines(session, actor, certificates, known_at=known_at),
        [(party.id, entry) for _, party, _, entry in made],
    )
    for line, party, draft, entry in made:
        try:
            version = beside.taken(party.id, entry, is_confirmed=draft.is_unit_confirmed)
        except CarbonFinError as error:
            weighed.failures.append(failure_of(line, error.field, error))
            continue
        if version is None:
            weighed.unchanged.append(entry)
            continue
        weighed.added.append((party.id, version))
    return weighed


def _sure(made: Sequence[_Read], failures: list[Failure]) -> list[_Read]:
    """Leave out what is said twice: a repeated row but the first, and every row of a line that is told differently.

    Which of two figures of a month is right is nobody's to guess, so that neither is taken.
    """
    told: dict[tuple[str, _Key], list[_Read]] = {}
    for one in made:
        told.setdefault((one[1].id, one[3].key), []).append(one)
    sure = []
    for one in made:
        line, party, _, entry = one
        same = told[party.id, entry.key]
        if len({_said(other[3]) for other in same}) > 1:
            lines = [other[0] for other in same]
            failures.append(contradicted(line, "month" if entry.month else "year", entry.label_zh, lines))
        elif same[0][0] != line:
            failures.append(doubled(line, "month" if entry.month else "year", entry.label_zh, same[0][0]))
        else:
            sure.append(one)
    return sure


def _party(draft: EntryDraft, parties: dict[str, Party]) -> Party:
    if draft.usci not in parties:
        raise InvalidInput(
            f"no enterprise has the code {draft.usci}", zh=f"没有代码为 {draft.usci} 的企业", field="usci",
            remedy="Enter the enterprise first, or correct the code.", remedy_zh="请先登记该企业，或更正代码。",
        )  # fmt: skip
    return parties[draft.usci]


def _entry(draft: EntryDraft, party: Party, book: ParameterBook, *, known_at: datetime) -> AccountEntry:
    unit = unit_of(draft.kind, draft.item)
    if draft.unit != unit:
        raise InvalidInput(
            f"{draft.kind} is counted in {unit}, the row says {draft.unit}",
            zh=f"该项目的单位应为 {unit}，填报为 {draft.unit}", field="unit",
            remedy=f"Convert the quantity to {unit} yourself; nothing is converted for you.",
            remedy_zh=f"请自行换算为 {unit} 后填写；系统不代为换算。",
        )  # fmt: skip
    area, year = draft.factor_id, draft.factor_year
    if draft.kind in POWER_KINDS:
        factor = grid_factor(book, area or grid_area_of(party.code) or "", year, by=draft.year, known_at=known_at)
        area, year = factor.scope, factor.valid_from.year
    return AccountEntry(
        kind=draft.kind,
        year=draft.year,
        month=draft.month,
        item=draft.item,
        quantity=draft.quantity,
        factor_id=area,
        factor_year=year,
        evidence=draft.evidence,
        source=draft.source,
        reason=draft.reason,
    )


def grid_factor(
    book: ParameterBook, area: str, factor_year: int | None, *, by: int, known_at: datetime
) -> ParameterValue:
    """Give the grid factor of an area and its year, or the latest known by the end of a year where none is named.

    Raises:
        InvalidInput: There is no such area, or the year's factor was not published or known.
    """
    asked = by if factor_year is None else factor_year
    found = None
    if 1 <= asked <= date.max.year:
        found = book.find(GRID_FACTOR, scope=area, valid_on=date(asked, 12, 31), known_at=known_at)
    if found is None or (factor_year is not None and found.valid_from.year != factor_year):
        raise InvalidInput(
            f"there is no grid factor of {area or 'the area'} for {asked} known by then",
            zh=f"没有已知的“{area or '未填地区'}”{asked} 年电网排放因子",
            field="factor_id" if found is None and factor_year is None else "factor_year",
            remedy="Name an area and a year whose factor is published, such as 广东 2022.",
            remedy_zh="请填写已公布因子的地区和年份，例如 广东、2022。",
        )
    return found


class _Beside:
    """What stands beside the lines that come: the accounts, the certificates in use, and the other lines sent."""

    def __init__(
        self,
        accounts: dict[str, tuple[AccountEntry, ...]],
        certificates: dict[str, list[tuple[str, AccountEntry]]],
        sent: Sequence[tuple[str, AccountEntry]],
    ) -> None:
        self._standing: dict[tuple[str, _Key], AccountEntry] = {}
        self._by_year: dict[tuple[str, EntryKind, int], dict[_Key, AccountEntry]] = {}
        self._by_series: dict[tuple[str, tuple[EntryKind, str]], list[AccountEntry]] = {}
        self._certificates = certificates
        self._of_year: dict[tuple[str, int], dict[_Key, AccountEntry]] = {}
        self._scales: dict[tuple[str, int], YearScale] = {}
        for party_id, lines in accounts.items():
            for line in lines:
                self._stand(party_id, line)
                self._compare(party_id, line)
        for party_id, line in sent:
            if slip_asked(line, (), None) is None:  # what is odd by itself says nothing of the others
                self._compare(party_id, line)

    def _compare(self, party_id: str, line: AccountEntry) -> None:
        self._by_series.setdefault((party_id, line.series), []).append(line)
        self._of_year.setdefault((party_id, line.year), {})[line.key] = line

    def _scale(self, party_id: str, year: int) -> YearScale:
        place = (party_id, year)
        if place not in self._scales:
            self._scales[place] = year_scale(self._of_year.get(place, {}).values())
        return self._scales[place]

    def _stand(self, party_id: str, line: AccountEntry) -> None:
        self._standing[party_id, line.key] = line
        self._by_year.setdefault((party_id, line.kind, line.year), {})[line.key] = line

    def taken(self, party_id: str, entry: AccountEntry, *, is_confirmed: bool) -> AccountEntry | None:
        """Give the version of a line that is to be written, None where it stands already.

        Raises:
            InvalidInput: It corrects without a reason, counts a thing twice, or its unit must be asked about.
        """
        standing = self._standing.get((party_id, entry.key))
        version = _version(entry, standing)
        if version is None:
            return None
        used = [line for owner, line in self._certificates.get(entry.item, ()) if owner == party_id]
        refuse_clash(version, [*self._by_year.get((party_id, entry.kind, entry.year), {}).values(), *used])
        if entry.kind in GREEN_KINDS and any(owner != party_id for owner, _ in self._certificates.get(entry.item, ())):
            raise InvalidInput(
                f"certificate {entry.item} is used by another enterprise",
                zh=f"凭证 {entry.item} 已被另一企业使用，绿电不得重复计算", field="item",
                remedy="Check whose it is; strike out the other line first if that one is wrong.",
                remedy_zh="请核对凭证归属；另一企业的明细有误的，先将其作废。",
            )  # fmt: skip
        odd = slip_asked(version, self._by_series.get((party_id, entry.series), ()), self._scale(party_id, entry.year))
        if odd is not None and not is_confirmed:
            raise InvalidInput(
                f"{odd.en}; is the unit right",
                zh=f"{odd.zh}，单位是否有误（如元与万元、吨与万吨、kWh 与万kWh）？", field="quantity",
                remedy="Check the unit; say so in `confirmed` (`yes` in a file) if it is right. Nothing was mended.",
                remedy_zh="请核对单位；确认无误的，在“单位已核对”填“是”。系统未作任何修改。",
            )  # fmt: skip
        self._stand(party_id, version)
        if version.kind in GREEN_KINDS and version.quantity is not None:
            self._certificates.setdefault(version.item, []).append((party_id, version))
        return version


def _version(entry: AccountEntry, standing: AccountEntry | None) -> AccountEntry | None:
    if standing is None:
        if entry.quantity is None:
            raise InvalidInput(
                "there is no such line to strike out", zh=f"没有可作废的明细：{entry.label_zh}", field="quantity",
                remedy="Name the line as it stands.", remedy_zh="请按已录入的项目、期间和明细填写。",
            )  # fmt: skip
        return entry
    if _said(entry) == _said(standing):
        return None
    if not entry.reason:
        raise InvalidInput(
            f"the line stands with {standing.quantity}; a correction needs its reason",
            zh=f"{entry.label_zh} 已有数值 {standing.quantity}，更正须填写原因", field="reason",
            remedy="Fill `reason`; the line before stays on record.",
            remedy_zh="请填写“更正原因”；原记录会保留。",
        )  # fmt: skip
    return AccountEntry(
        kind=entry.kind, year=entry.year, month=entry.month, item=entry.item, quantity=entry.quantity,
        factor_id=entry.factor_id, factor_year=entry.factor_year, evidence=entry.evidence, source=entry.source,
        reason=entry.reason, version=standing.version + 1,
    )  # fmt: skip


def _said(entry: AccountEntry) -> tuple[object, ...]:
    """Give what a line says, without why and how often it was corrected."""
    return entry.quantity, entry.factor_id, entry.factor_year, entry.evidence, entry.source
