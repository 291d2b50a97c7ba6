"""Shapes of stored books, and of books that are brought as files."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import IdText, NameText
from pricing.schemas.market import FILE_TEXT_MAX
from pricing.schemas.valuations import FailureOut
from pricing.service import BookImport


class BookFileIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A book of positions to store as a portfolio; `preview` reads and tries it and stores nothing.

    The file is CSV or xlsx, or by the ending of its name (.xml, .json) an FpML or CDM document, each of whose forwards
    and options is a line of `own_party`'s side. `add` puts the lines beside those the portfolio has.
    """

    file_name: NameText
    code: IdText
    name: NameText
    content_base64: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=FILE_TEXT_MAX,
            pattern=r"^[A-Za-z0-9+/\r\n]+={0,2}\s*$",
            description="The file's bytes in base64.",
        ),
    ]
    replace: Annotated[bool, Meta(description="Whether a portfolio of the same code gives way to this file.")] = False
    preview: bool = False
    own_party: Annotated[
        str, Meta(max_length=20, description="USCI or LEI of the bank in a trade document; needed for one.")
    ] = ""
    add: Annotated[bool, Meta(description="Whether the lines are added to a portfolio of the same code.")] = False


class BookImportOut(Struct, frozen=True, kw_only=True):
    """What a file of positions said and what was stored; `unvalued` are lines the market of the day cannot value."""

    file_name: str
    encoding: str
    row_count: int
    stored: bool
    portfolio_id: str | None
    replaced_line_count: int | None
    failures: list[FailureOut]
    unvalued: list[FailureOut]

    @classmethod
    def of(cls, report: BookImport) -> "BookImportOut":
        """Write a report."""
        return cls(
            file_name=report.file.file_name,
            encoding=report.file.encoding,
            row_count=report.file.row_count,
            stored=report.portfolio is not None,
            portfolio_id=None if report.portfolio is None else report.portfolio.id,
            replaced_line_count=None if report.replaced is None else len(report.replaced.lines),
            failures=[FailureOut.of(failure) for failure in report.failures],
            unvalued=[] if report.value is None else [FailureOut.of(failure) for failure in report.value.failures],
        )


class PortfolioOut(Struct, frozen=True, kw_only=True):
    """A portfolio without its lines."""

    portfolio_id: str
    code: str
    name: str
    is_sample: bool


class PortfolioListOut(Struct, frozen=True, kw_only=True):
    """The organisation's portfolios."""

    portfolios: list[PortfolioOut]
