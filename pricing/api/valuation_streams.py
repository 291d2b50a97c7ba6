"""Large books for systems: a file or columns in, values in columns out as they are found; nothing is kept."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, cast

import msgspec
from litestar import post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import Headers
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import QueryParameter
from litestar.response import Stream

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.learned_types import decoded
from carbonfin.storage.parties import known_at_present
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import CSV, JSON, JSON_LINES
from carbonfin.web.problems import problem_responses
from carbonfin.web.visitors import visitor_of
from carbonfin.web.wire import DayText, day_of
from pricing import service
from pricing.calc.portfolio import PricedMarket
from pricing.feeds.book_streams import BookPiece, book_pieces, csv_pieces
from pricing.feeds.tables import TextTable
from pricing.schemas.columns import PIECE_LENGTH_MAX, BookColumnsIn
from pricing.schemas.valuation_streams import (
    StreamHeadOut,
    StreamProblemOut,
    records_of,
)

BOOK_BYTES_MAX = 256 * 1024 * 1024
"""About three million lines; what is sent lies on disk while it is valued."""
_LINE_BYTES_MAX = 8 * 1024 * 1024
_IN_MEMORY_BYTES = 1024 * 1024
_RECORDS = ResponseSpec(
    str,
    media_type=JSON_LINES,
    description="A JSON document a line, told apart by `record`: head, then lines and failures in turn, then total.",
    generate_examples=False,
)


class _BookOperation(Operation):
    """The description of what the body may be; the framework knows of bodies in memory alone."""

    def __init__(self, **described: Any) -> None:
        """Describe a book as a file and as columns, beside what the framework has found out."""
        super().__init__(**described)
        lines = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
        self.request_body = RequestBody(
            required=True,
            description="A book as CSV, as columns, or as several documents of columns, one a line.",
            content={JSON: OpenAPIMediaType(schema=_columns_schema()), JSON_LINES: lines, CSV: lines},
        )


def _columns_schema() -> Schema:
    """Describe `BookColumnsIn`, a column an array."""
    cells = {"quantity_t": [Schema(type=OpenAPIType.INTEGER), Schema(type=OpenAPIType.STRING, max_length=200)]}
    required = [item.name for item in msgspec.structs.fields(BookColumnsIn) if item.required]
    return Schema(
        title=BookColumnsIn.__name__,
        description="Positions as columns of one length; null where a position has nothing.",
        type=OpenAPIType.OBJECT,
        required=required,
        additional_properties=False,
        properties={
            name: Schema(
                type=OpenAPIType.ARRAY,
                min_items=1,
                max_items=PIECE_LENGTH_MAX,
                items=Schema(
                    any_of=cells.get(
                        name,
                        [
                            Schema(type=OpenAPIType.STRING, max_length=200),
                            *([] if name in required else [Schema(type=OpenAPIType.NULL)]),
                        ],
                    )
                ),
            )
            for name in BookColumnsIn.__struct_fields__
        },
    )


@post(
    "/v1/valuations/stream",
    status_code=200,
    media_type=JSON_LINES,
    request_max_body_size=BOOK_BYTES_MAX,
    responses={200: _RECORDS, **problem_responses(409, 413, 415, 422)},
    operation_class=_BookOperation,
    tags=["pricing"],
)
async def stream_valuation(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    valuation_date: Annotated[DayText, QueryParameter(description="Day the prices refer to.")],
) -> Stream:
    """Value a book of any size, as columns of up to 10,000 lines at a time; nothing is kept.

    The body is CSV as the portfolio pages take it (`text/csv`), one document of columns (`application/json`), or many,
    one a line (`application/x-ndjson`). Each line that cannot be valued is listed with field and remedy, and the others
    are valued; a book of one line that cannot be valued is refused. An answer without a `total` at its end was cut off.
    """
    pieces = _reader_of(request.headers)
    sent = await _spooled(request)

    def opened() -> Iterator[bytes]:
        market, curves = _market(request, sessions, actor, clock, valuation_date)
        records = _records(market, curves, pieces(sent.file), sent)
        # The first piece is valued before the answer starts: what is wrong with the whole is a problem, not a record.
        head, first = next(records), next(records)
        return _chained((head, first), records)

    try:
        return Stream(
            await sync_to_thread(opened), media_type=JSON_LINES, headers={"Cache-Control": "private, no-store"}
        )
    except BaseException:
        sent.file.close()
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """A body on disk, or in memory where it is small, and its SHA-256."""

    file: BinaryIO
    digest: str


async def _spooled(request: WebRequest) -> _Sent:
    file = cast("BinaryIO", SpooledTemporaryFile(_IN_MEMORY_BYTES))  # noqa: SIM115 - open until all is answered
    digest = hashlib.sha256()
    try:
        async for part in request.stream():
            digest.update(part)
            file.write(part)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return _Sent(file=file, digest=digest.hexdigest())


def _market(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, valuation_date: str
) -> tuple[PricedMarket, service.CurveReader]:
    day = day_of(valuation_date, field="valuation_date")
    visitor = visitor_of(request)
    assert visitor is not None, "the policy lets no stranger in"
    known_at = known_at_present(visitor.business_date, clock, is_sample=visitor.is_sample)
    with sessions.read() as session:
        return (
            service.stream_market(session, actor, valuation_date=day, known_at=known_at),
            service.curve_reader(session, actor, valuation_date=day, known_at=known_at),
        )


def _chained(first: tuple[bytes, ...], rest: Iterator[bytes]) -> Iterator[bytes]:
    yield from first
    yield from rest


def _records(
    market: PricedMarket, curves: service.CurveReader, pieces: Iterator[BookPiece], sent: _Sent
) -> Iterator[bytes]:
    """Write what is found as lines; what cannot be read after the first piece ends the answer with a problem."""
    snapshot = market.lines.snapshot
    try:
        yield _written(
            StreamHeadOut(
                valuation_date=snapshot.valuation_date.isoformat(),
                known_at=snapshot.known_at.isoformat().replace("+00:00", "Z"),
                snapshot_digest=market.lines.digest,
            )
        )
        values = service.value_pieces(
            market, pieces, options=curves.options, forwards=curves.forwards, futures=curves.futures
        )
        yield _part(next(values), sent)
        try:
            for value in values:
                yield _part(value, sent)
        except CarbonFinError as error:
            yield _written(
                StreamProblemOut(
                    code=error.code,
                    detail=error.detail,
                    detail_zh=error.zh,
                    field=error.field,
                    remedy=error.remedy,
                    remedy_zh=error.remedy_zh,
                )
            )
    finally:
        sent.file.close()


def _part(value: service.PieceValue | service.StreamTotal, sent: _Sent) -> bytes:
    return b"".join(_written(record) for record in records_of(value, book_digest=sent.digest))


def _written(record: msgspec.Struct) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def _reader_of(headers: Headers) -> Callable[[BinaryIO], Iterator[BookPiece]]:
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == CSV:
        return lambda file: csv_pieces(file, file_name="book.csv")
    if kind == JSON_LINES:
        return lambda file: book_pieces(_documents(iter(lambda: file.readline(_LINE_BYTES_MAX + 1), b"")))
    return lambda file: book_pieces(_documents(iter([file.read(_LINE_BYTES_MAX + 1)])))


def _documents(parts: Iterator[bytes]) -> Iterator[TextTable]:
    """Read documents of columns; positions count from 1 over all of them."""
    first = 1
    for number, part in enumerate((part for part in parts if part.strip()), 1):
        table = _columns(part, number).table(first)
        first += len(table.rows)
        yield table


def _columns(part: bytes, number: int) -> BookColumnsIn:
    why: Any
    if len(part) > _LINE_BYTES_MAX:
        why = f"it is longer than {_LINE_BYTES_MAX} bytes"
    else:
        try:
            return decoded(part, BookColumnsIn)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            why = error
    raise InvalidInput(
        f"document {number} does not hold columns of a book: {why}",
        zh=f"第 {number} 段不是持仓的列数据：{why}",
        field="columns",
        remedy="Send columns of up to 10,000 positions a line (application/x-ndjson), or CSV.",
        remedy_zh="请每行发送不超过 10,000 条持仓的列数据（application/x-ndjson），或改用 CSV。",
    )


routes = [stream_valuation]
