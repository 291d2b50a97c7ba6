"""Shapes of trades read from FpML and CDM documents."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.web.wire import NameText
from pricing.calc.instruments.terms import LegalBasis, TradingParty
from pricing.schemas.figures import optional_text_of
from pricing.schemas.valuations import FailureOut
from pricing.service import TradeAnswer, TradeDocument

DOCUMENT_TEXT_MAX = 1_400_000


class LegalBasisIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The papers a trade is made on, where its document does not name them."""

    master_agreement: Annotated[str, Meta(max_length=200, description="Master agreement (主协议), with its day.")] = ""
    derivatives_licence: Annotated[
        str, Meta(max_length=200, description="Licence under which the bank deals in derivatives.")
    ] = ""

    def value(self) -> LegalBasis:
        """Give the papers as a value."""
        return LegalBasis(
            master_agreement=self.master_agreement.strip(), derivatives_licence=self.derivatives_licence.strip()
        )


class TradeDocumentIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An FpML data document or CDM trade state, and the shape to write its trades in."""

    file_name: NameText
    content_base64: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=DOCUMENT_TEXT_MAX,
            pattern=r"^[A-Za-z0-9+/\r\n]+={0,2}\s*$",
            description="The document's bytes (UTF-8) in base64; at most 1,000,000 bytes.",
        ),
    ]
    write_as: Annotated[
        Literal["cdm", "fpml"] | None, Meta(description="Shape to write each trade in; left out, none.")
    ] = None
    legal_basis: LegalBasisIn | None = None


class TradingPartyIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A party by its unified social credit code (18 characters) or legal entity identifier (20)."""

    code: Annotated[str, Meta(min_length=18, max_length=20)]
    name: Annotated[str, Meta(max_length=200)] = ""


class TradingPartyOut(Struct, frozen=True, kw_only=True):
    """A party by its unified social credit code or legal entity identifier."""

    code: str
    name: str

    @classmethod
    def of(cls, party: TradingParty) -> "TradingPartyOut":
        """Write a party."""
        return cls(code=str(party.code), name=party.name)


def _party_of(party: TradingParty | None) -> TradingPartyOut | None:
    return None if party is None else TradingPartyOut.of(party)


class ClauseOut(Struct, frozen=True, kw_only=True):
    """A term of the document that is kept word for word, enters no value and is not written again."""

    path: str
    text: str


class TradeOut(Struct, frozen=True, kw_only=True):
    """A trade in our terms: null is what its document does not say, or says wrongly; then a failure names the path.

    `notes_zh` and `notes_en` say 仅估值，不可成交 with its reason; empty where papers and law let it be made.
    `price_per_t` is the price agreed, of an option its strike, in `currency` a tonne.
    """

    kind: Literal["forward", "option"] | None
    is_whole: bool
    trade_id: str | None
    unit: str | None
    quantity_t: int | None
    price_per_t: str | None
    currency: str | None
    trade_date: str | None
    delivery_date: str | None
    expiry_date: str | None
    option_type: str | None
    exercise_style: str | None
    settlement: str | None
    premium_amount: str | None
    buyer: TradingPartyOut | None
    seller: TradingPartyOut | None
    other_parties: list[TradingPartyOut]
    master_agreement: str
    derivatives_licence: str
    notes_zh: list[str]
    notes_en: list[str]
    remarks_zh: list[str]
    remarks_en: list[str]
    clauses: list[ClauseOut]
    failures: list[FailureOut]
    written: str | None

    @classmethod
    def of(cls, trade: TradeAnswer) -> "TradeOut":
        """Write a trade."""
        facts = trade.read.facts
        kind: Literal["forward", "option"] = "option" if facts.is_option else "forward"
        failures = [*trade.read.failures, *(() if trade.unwritten is None else (trade.unwritten,))]
        return cls(
            kind=None if facts.is_option is None else kind,
            is_whole=trade.contract is not None,
            trade_id=facts.trade_id,
            unit=None if facts.unit is None else str(facts.unit),
            quantity_t=facts.quantity,
            price_per_t=optional_text_of(facts.price),
            currency=facts.currency,
            trade_date=None if facts.trade_date is None else facts.trade_date.isoformat(),
            delivery_date=None if facts.delivery_date is None else facts.delivery_date.isoformat(),
            expiry_date=None if facts.expiry_date is None else facts.expiry_date.isoformat(),
            option_type=facts.option_type,
            exercise_style=facts.style,
            settlement=None if trade.contract is None else trade.contract.settlement,
            premium_amount=optional_text_of(facts.premium_amount),
            buyer=_party_of(facts.buyer),
            seller=_party_of(facts.seller),
            other_parties=[TradingPartyOut.of(party) for party in facts.others],
            master_agreement=trade.basis.master_agreement,
            derivatives_licence=trade.basis.derivatives_licence,
            notes_zh=list(trade.notes[0]),
            notes_en=list(trade.notes[1]),
            remarks_zh=[zh for zh, _ in facts.remarks],
            remarks_en=[en for _, en in facts.remarks],
            clauses=[ClauseOut(path=clause.path, text=clause.text) for clause in facts.clauses],
            failures=[FailureOut.of(failure) for failure in failures],
            written=trade.written,
        )


class TradeDocumentOut(Struct, frozen=True, kw_only=True):
    """The trades of a document, in its order; nothing of it is kept."""

    file_name: str
    shape: str
    trades: list[TradeOut]

    @classmethod
    def of(cls, document: TradeDocument, *, file_name: str) -> "TradeDocumentOut":
        """Write the trades of a document."""
        return cls(
            file_name=file_name,
            shape=document.trades[0].read.facts.shape,
            trades=[TradeOut.of(trade) for trade in document.trades],
        )
