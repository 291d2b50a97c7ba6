"""FpML and CDM documents as books of positions: each whole trade is a line of the bank's side, each fault is named."""

from collections.abc import Sequence
from pathlib import PurePath

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency
from pricing.calc.instruments.contracts import AllowanceOption, OtcForward
from pricing.calc.instruments.terms import TradingParty
from pricing.calc.line_faults import line_fault
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.feeds.book_files import CODE_LENGTH_MAX, PAPER_LENGTH_MAX, BookFile
from pricing.feeds.trade_documents import ReadTrade, read_trade_document

_ENDINGS = frozenset({".xml", ".json"})


def is_trade_document(file_name: str) -> bool:
    """Say whether a file's name is that of an FpML or CDM document."""
    return PurePath(file_name).suffix.lower() in _ENDINGS


def read_trade_book(content: bytes, *, file_name: str, own_party: str) -> BookFile:
    """Read the trades of a document as positions of one of their parties: bought is positive, sold is negative.

    Args:
        content: The document, UTF-8.
        file_name: As it was brought.
        own_party: USCI or LEI of the party whose book this is.

    Raises:
        InvalidInput: The document is of neither shape, or the party is not given or cannot be.
    """
    if not own_party.strip():
        raise InvalidInput(
            "a trade document needs the own party's code: it names two parties",
            zh="交易文件载有买卖双方，须填写本方代码",
            field="own_party",
            remedy="Give the bank's USCI or LEI as the document writes it.",
            remedy_zh="请填写文件中本行的统一社会信用代码或法人识别编码。",
        )
    own = TradingParty.parse(own_party, name="", field="own_party")
    trades = read_trade_document(content)
    lines: list[PortfolioLine] = []
    failures: list[Failure] = []
    for place, trade in enumerate(trades, start=1):
        item = f"trade {place}"
        line, faults = _line(trade, own, item=item, codes=[one.line_id for one in lines])
        failures += faults
        lines += [] if line is None else [line]
    return BookFile(
        file_name=file_name, encoding="FpML" if file_name.lower().endswith(".xml") else "CDM", row_count=len(trades),
        lines=tuple(lines), failures=tuple(failures),
    )  # fmt: skip


def _line(
    trade: ReadTrade, own: TradingParty, *, item: str, codes: Sequence[str]
) -> tuple[PortfolioLine | None, Sequence[Failure]]:
    """Give a trade as a line, or every reason why it is none."""
    contract = trade.contract
    if contract is None:
        return None, [Failure(item=item, field=one.field, detail=one.detail, zh=one.zh, remedy=one.remedy,
                              remedy_zh=one.remedy_zh) for one in trade.failures]  # fmt: skip
    try:
        line = _position(contract, own, agreement=trade.facts.master_agreement)
    except InvalidInput as error:
        return None, [Failure.of(item, error)]
    if line.line_id in codes:
        return None, [_fault(item, "line_id", f"trade {line.line_id} stands twice", f"交易编号 {line.line_id} 重复")]
    fault = line_fault(line)
    if fault is None:
        return line, []
    return None, [Failure(item=item, field=fault.field, detail=fault.detail, zh=fault.zh, remedy=fault.remedy,
                          remedy_zh=fault.remedy_zh)]  # fmt: skip


def _position(contract: OtcForward | AllowanceOption, own: TradingParty, *, agreement: str | None) -> PortfolioLine:
    """Give a contract as a position of one of its parties.

    Raises:
        InvalidInput: The party is neither buyer nor seller, or the trade has no number.
    """
    terms = contract.terms
    sides = {terms.buyer.code: (1, terms.seller), terms.seller.code: (-1, terms.buyer)}
    if own.code not in sides:
        raise InvalidInput(
            f"the own party {own.code} is neither {terms.buyer.code} nor {terms.seller.code}",
            zh=f"本方 {own.code} 既不是买方 {terms.buyer.code} 也不是卖方 {terms.seller.code}",
            field="own_party",
            remedy="Give the code of the bank as the trade names it.",
            remedy_zh="请填写交易文件中本行的代码。",
        )
    if not 0 < len(terms.trade_id) <= CODE_LENGTH_MAX:
        raise InvalidInput(
            f"the trade's number {terms.trade_id!r} is empty or longer than {CODE_LENGTH_MAX}",
            zh="交易编号缺失或过长",
            field="line_id",
            remedy="Give each trade a number of its own.",
            remedy_zh="请为每笔交易填写编号。",
        )
    sign, counterparty = sides[own.code]
    papers = (agreement or terms.basis.master_agreement).strip()[:PAPER_LENGTH_MAX]
    option = contract if isinstance(contract, AllowanceOption) else None
    price = contract.strike_per_t if isinstance(contract, AllowanceOption) else contract.price_per_t
    in_cny = option is None and terms.currency is Currency.CNY
    return PortfolioLine(
        line_id=terms.trade_id,
        kind=LineKind.FORWARD if option is None else LineKind.OPTION,
        unit=terms.unit,
        quantity_t=sign * terms.quantity_t,
        label=counterparty.name[:PAPER_LENGTH_MAX],
        strike_cny_per_t=price if in_cny else None,
        strike_per_t=None if in_cny else price,
        currency=None if in_cny else terms.currency,
        delivery_date=contract.delivery_date,
        option_type=None if option is None else option.option_type,
        option_style=None if option is None else option.style,
        expiry_date=None if option is None else option.expiry_date,
        master_agreement=papers or None,
    )


def _fault(item: str, field: str, detail: str, zh: str) -> Failure:
    return Failure(
        item=item, field=field, detail=detail, zh=zh, remedy="Give each trade a number of its own.",
        remedy_zh="请为每笔交易填写不同编号。",
    )  # fmt: skip
