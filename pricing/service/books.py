"""Books of positions that people bring: read by line, tried on the market, stored whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import Conflict, InvalidInput
from pricing.calc.portfolio import PortfolioValue
from pricing.calc.positions import PortfolioLine
from pricing.feeds.book_files import BookFile, read_book
from pricing.feeds.trade_books import is_trade_document, read_trade_book
from pricing.service.valuation import save_portfolio, value_inline
from pricing.store import portfolios
from pricing.store.portfolios import Portfolio

CODE_LENGTH_MAX = 60
_NAME_LENGTH_MAX = 200
_CODES_TOLD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class BookImport:
    """What a file of positions said and what was stored: all lines, or none if any failed.

    Attributes:
        portfolio: The portfolio as stored; None for a preview and whenever a row failed.
        replaced: The portfolio of the same code that stood before, with its lines.
        value: What the lines that can be read are worth on the day, not kept; None once stored.
    """

    file: BookFile
    portfolio: Portfolio | None
    replaced: Portfolio | None
    value: PortfolioValue | None

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The faults of the file, line by line."""
        return self.file.failures


def import_book(
    session: Session,
    actor: Actor,
    *,
    content: bytes,
    file_name: str,
    code: str,
    name: str,
    replaces: bool,
    valuation_date: date,
    known_at: datetime,
    preview: bool,
    own_party: str = "",
    adds: bool = False,
) -> BookImport:
    """Read a file of positions and store it as a portfolio of the actor's organisation, or try it and keep nothing.

    A portfolio of the same code is brought up to date with exactly these lines, and only where the caller says so; or
    these lines are added to its own. A file that ends in .xml or .json is an FpML or CDM document: each of its trades
    is a line of `own_party`'s side.

    Raises:
        InvalidInput: The file as a whole cannot be read or has no position, or code and name are not given.
        Conflict: The code is taken and it was not said that its portfolio is replaced.
    """
    file = (
        read_trade_book(content, file_name=file_name, own_party=own_party)
        if is_trade_document(file_name)
        else read_book(content, file_name=file_name)
    )
    cleaned = _words(code, what="code", zh="组合代码", length_max=CODE_LENGTH_MAX)
    named = _words(name, what="name", zh="组合名称", length_max=_NAME_LENGTH_MAX)
    if not file.lines and not file.failures:
        raise InvalidInput(
            f"{file_name} has no position",
            zh=f"{file_name} 没有持仓",
            field="file",
            remedy="Add positions below the head.",
            remedy_zh="请在表头下补充持仓。",
        )
    known = next((one for one in portfolios.portfolios_of(session, actor) if one.code == cleaned), None)
    load = portfolios.load_as_rows if replaces else portfolios.load_portfolio
    replaced = None if known is None else load(session, actor, known.id)
    if preview or file.failures:
        value = value_inline(
            session, actor, name=named, lines=file.lines, valuation_date=valuation_date, known_at=known_at
        )  # fmt: skip
        return BookImport(file=file, portfolio=None, replaced=replaced, value=value)
    if replaced is not None and not (replaces or adds):
        raise Conflict(
            f"portfolio {cleaned!r} exists with {len(replaced.lines)} lines",
            zh=f"组合“{cleaned}”已存在，现有 {len(replaced.lines)} 条持仓",
            field="code",
            remedy="Say that it is replaced or added to, or give another code.",
            remedy_zh="请选择替换或追加，或改用其他代码。",
        )
    held = replaced.lines if replaced is not None and adds else ()
    _refuse_held(held, file)
    stored = save_portfolio(session, actor, code=cleaned, name=named, lines=(*held, *file.lines))
    return BookImport(file=file, portfolio=stored, replaced=replaced, value=None)


def _refuse_held(held: Sequence[PortfolioLine], file: BookFile) -> None:
    """Refuse to add a line whose code the portfolio has already.

    Raises:
        Conflict: It has; which is named.
    """
    known = {line.line_id for line in held}
    twice = [line.line_id for line in file.lines if line.line_id in known]
    if twice:
        raise Conflict(
            f"the portfolio holds {', '.join(twice[:_CODES_TOLD])} already",
            zh=f"组合中已有持仓 {'、'.join(twice[:_CODES_TOLD])}",
            field="line_id",
            remedy="Leave out what is held already, or replace the portfolio.",
            remedy_zh="请去除已有持仓，或选择替换。",
        )


def _words(text: str, *, what: str, zh: str, length_max: int) -> str:
    cleaned = text.strip()
    if 0 < len(cleaned) <= length_max and cleaned.isprintable():
        return cleaned
    raise InvalidInput(
        f"the {what} of the portfolio must have 1 to {length_max} printable characters",
        zh=f"{zh}须为 1 至 {length_max} 个字符",
        field=what,
        remedy="Give a short one.",
        remedy_zh="请填写。",
    )
