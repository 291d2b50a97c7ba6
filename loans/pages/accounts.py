"""The carbon account of an enterprise: consents, its years with charts and gaps, its lines, and a file of lines."""

from typing import Annotated

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template
from msgspec import Struct
from sqlmodel import Session

from carbonfin.documents.text_tables import MAX_BYTES
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, load_party, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import Text, language_of
from carbonfin.web.pages import page
from carbonfin.web.problems import status_of
from carbonfin.web.wire import day_of
from collateral.calc.compliance_records import EMISSIONS_STATE_NAMES
from loans import service
from loans.calc.account_entries import KINDS, EntryKind
from loans.calc.account_pulls import PROVIDERS, DataProvider
from loans.calc.consents import PURPOSE_NAMES_ZH, Consent, ConsentPurpose, ConsentState, refuse_without
from loans.feeds.account_files import ENTRY_COLUMNS, titles_of_kinds
from loans.pages.charts import emission_chart, power_chart
from loans.pages.forms import error_words

PURPOSES = {purpose: Text(PURPOSE_NAMES_ZH[purpose], purpose.value) for purpose in ConsentPurpose}
_PROVIDERS = {provider: Text(terms.title_zh, terms.title_en) for provider, terms in PROVIDERS.items()}
_COLUMN_NAMES = {field: aliases[-1] for field, aliases in ENTRY_COLUMNS.aliases.items()}
_LINES_SHOWN_MAX = 60


class ConsentForm(Struct, kw_only=True):
    """What the form sends."""

    purpose: str = ConsentPurpose.RATING.value
    state: str = ConsentState.GIVEN.value
    given_on: str = ""
    valid_to: str = ""
    evidence: str = ""


class PullForm(Struct, kw_only=True):
    """What the form sends."""

    provider: str = DataProvider.TAX.value
    pull_purpose: str = ConsentPurpose.RATING.value
    from_year: str = ""
    to_year: str = ""


class AccountUploadForm(Struct, kw_only=True):
    """What the form sends."""

    file: UploadFile
    action: str = "preview"


@get("/enterprises/{party_id:str}/account", sync_to_thread=True)
def account_page(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, party_id: FromPath[str]
) -> Template:
    """Show an enterprise's account."""
    with sessions.read() as session:
        return show_account(request, session, actor, standing_of(session, actor.organization_id, clock), party_id)


@post("/enterprises/{party_id:str}/consents", sync_to_thread=True, status_code=303)
def send_consent(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: FromPath[str],
    data: Annotated[ConsentForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template | Redirect:
    """Write down a consent or its withdrawal, and show the account."""
    try:
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            service.record_consent(
                session, actor, party_id, _consent(data), on=standing.business_date, known_at=standing.known_at
            )
    except CarbonFinError as error:
        with sessions.read() as session:
            standing = standing_of(session, actor.organization_id, clock)
            return show_account(request, session, actor, standing, party_id, refused=error, typed=data)
    return Redirect(f"/enterprises/{party_id}/account", status_code=303)


def _consent(data: ConsentForm) -> Consent:
    # A purpose or state that the form does not offer reads as the narrowest: rating, withdrawn.
    purpose = data.purpose if data.purpose in set(ConsentPurpose) else ConsentPurpose.RATING
    state = data.state if data.state in set(ConsentState) else ConsentState.WITHDRAWN
    return Consent(
        purpose=ConsentPurpose(purpose),
        state=ConsentState(state),
        given_on=day_of(data.given_on, field="given_on"),
        valid_to=day_of(data.valid_to, field="valid_to") if data.valid_to else None,
        evidence=data.evidence.strip(),
    )


def show_account(
    request: WebRequest,
    session: Session,
    actor: Actor,
    standing: Standing,
    party_id: str,
    *,
    refused: CarbonFinError | None = None,
    typed: ConsentForm | None = None,
    typed_pull: PullForm | None = None,
) -> Template:
    """Give the page of an account, with what was refused and typed."""
    party = load_party(session, actor, party_id)
    view = service.account_view(session, actor, party.id, known_at=standing.known_at)
    versions = service.entry_versions_of(session, actor, party.id, known_at=standing.known_at)
    consents = service.consents_of(session, actor, party.id, known_at=standing.known_at)
    last_year = str(standing.business_date.year - 1)
    return page(
        request,
        "loans/account.html",
        title=Text(f"企业碳账户 · {party.name}", f"Carbon account · {party.name}"),
        status_code=200 if refused is None else status_of(refused),
        party=party,
        standing=standing,
        years=view.years,
        chart=emission_chart(view.years, language_of(request), as_of=standing.business_date),
        power_charts={
            year.facts.year: power_chart(year, language_of(request), as_of=standing.business_date)
            for year in view.years
        },
        compliance=service.compliance_lines(session, actor, party.id, standing=standing, known_at=standing.known_at),
        emission_states={state: Text(*words) for state, words in EMISSIONS_STATE_NAMES.items()},
        credit=[one for one in view.entries[::-1] if one.kind is EntryKind.CREDIT_RECORD and one.quantity is not None],
        lines=versions[::-1][:_LINES_SHOWN_MAX],
        line_count=len(versions),
        kinds=KINDS,
        consents=consents[::-1],
        consent_state=_consent_state(consents, standing, party.code),
        purposes=PURPOSES,
        refused=None if refused is None else error_words(refused),
        refused_field="" if refused is None else (refused.field or ""),
        typed=typed or ConsentForm(given_on=standing.business_date.isoformat()),
        pulls=service.pulls_of(session, actor, party.id, known_at=standing.known_at),
        providers=_PROVIDERS,
        typed_pull=typed_pull or PullForm(from_year=last_year, to_year=last_year),
        names=_COLUMN_NAMES,
        may_write=actor.role is Role.OFFICER,
    )


def _consent_state(consents: tuple[Consent, ...], standing: Standing, code: str) -> tuple[str, Text]:
    last = next((one for one in reversed(consents) if one.purpose is ConsentPurpose.RATING), None)
    try:
        refuse_without(last, purpose=ConsentPurpose.RATING, on=standing.business_date, code=code)
    except CarbonFinError as error:
        return "breach", Text(error.zh, error.detail)
    return "good", Text("授权有效（碳评级）", "Consent in force (rating)")


@get("/carbon-accounts/upload", sync_to_thread=True)
def account_upload_page(*, request: WebRequest) -> Template:
    """Show the form."""
    return _upload(request, status_code=200)


@post("/carbon-accounts/upload", sync_to_thread=True, status_code=200)
def send_account_file(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[AccountUploadForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Template:
    """Read a file of lines; when asked to, keep its good rows. The bad are named."""
    content = data.file.file.read(MAX_BYTES + 1)
    try:
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            report = service.import_entry_file(
                session,
                actor,
                content=content,
                file_name=data.file.filename,
                on=standing.business_date,
                known_at=standing.known_at,
                preview=data.action != "store",
            )
    except CarbonFinError as error:
        return _upload(request, failure=error, status_code=422)
    return _upload(request, report=report, status_code=422 if report.failures else 200)


def _upload(
    request: WebRequest,
    *,
    report: service.EntryImport | None = None,
    failure: CarbonFinError | None = None,
    status_code: int,
) -> Template:
    return page(
        request,
        "loans/account_upload.html",
        title=Text("上传企业碳账户明细", "Upload lines of carbon accounts"),
        status_code=status_code,
        report=report,
        failure=None if failure is None else error_words(failure),
        names=_COLUMN_NAMES,
        columns=[aliases[-1] for aliases in ENTRY_COLUMNS.aliases.values()],
        example=ENTRY_COLUMNS.example,
        kinds=titles_of_kinds(),
    )


routes = [account_page, send_consent, account_upload_page, send_account_file]
