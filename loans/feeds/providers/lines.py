"""A provider's answer as lines of one account: read by the rules of files, and held to what was asked."""

from carbonfin.documents.text_tables import failure_of, read_json_rows
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from loans.calc.account_pulls import PROVIDERS, PullRequest
from loans.feeds.account_files import EntryDraft, EntryFile, read_entry_table
from loans.feeds.providers.http import no_lines
from loans.feeds.providers.port import FetchedLines

_NOTHING = b"[]"


def read_provider_lines(fetched: FetchedLines, request: PullRequest) -> EntryFile:
    """Read an answer; rows with faults and rows that were not asked for are named, none is mended.

    Raises:
        UpstreamFailed: The answer as a whole is no list of lines.
    """
    name = str(request.provider)
    if fetched.content.strip() == _NOTHING:
        return EntryFile(file_name=name, encoding="json", row_count=0, drafts=(), failures=())
    try:
        file = read_entry_table(read_json_rows(fetched.content, name=name))
    except CarbonFinError as error:
        raise no_lines(request.provider, error.detail) from error
    asked: list[tuple[int, EntryDraft]] = []
    strange: list[Failure] = []
    for line, draft in file.drafts:
        try:
            _refuse_unasked(draft, request)
            asked.append((line, draft))
        except InvalidInput as error:
            strange.append(failure_of(line, error.field, error))
    return EntryFile(
        file_name=name, encoding=file.encoding, row_count=file.row_count, drafts=tuple(asked),
        failures=(*file.failures, *strange),
    )  # fmt: skip


def _refuse_unasked(draft: EntryDraft, request: PullRequest) -> None:
    """Refuse another enterprise, another year, and what this provider does not give."""
    terms = PROVIDERS[request.provider]
    if draft.usci != request.usci:
        raise InvalidInput(
            f"{request.usci} was asked for, the row speaks of another enterprise",
            zh=f"调取的是 {request.usci}，本行属于另一企业，未采用", field="usci",
        )  # fmt: skip
    if not request.from_year <= draft.year <= request.to_year:
        raise InvalidInput(
            f"year {draft.year} was not asked for", zh=f"未调取 {draft.year} 年，本行未采用", field="year"
        )
    if draft.kind not in terms.kinds:
        raise InvalidInput(
            f"{draft.kind} is not taken from a provider of {terms.title_en.lower()}",
            zh=f"该项目不由{terms.title_zh}提供方给出，未采用", field="kind",
        )  # fmt: skip
