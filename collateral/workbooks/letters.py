"""Letters: a margin call, or a return of margin, as PDF."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from carbonfin.documents.pdf import render_pdf
from carbonfin.documents.sheets import Align, Column, Note, Row, Sheet, SignatureBlock, Table, Term, TermGrid
from collateral.calc.agreements import MarginCall

CURRENCY_WORDS = {"CNY": "元", "CNH": "离岸人民币元", "HKD": "港元", "USD": "美元", "EUR": "欧元"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """To whom a letter goes.

    Attributes:
        code: USCI or LEI.
        district: Where the party is registered; None where that is not known.
        address: Where and for whom notices are served, as agreed; None where nothing was agreed.
    """

    name: str
    code: str
    district: str | None
    address: str | None

    @property
    def terms(self) -> tuple[Term, ...]:
        """The party and its address for notices, as the head of a letter; an address nobody agreed is said so."""
        place = "" if self.district is None else f"\n{self.district}"
        return (
            Term(label_zh="致", label_en="To", value=f"{self.name}\n{self.code}{place}"),
            Term(
                label_zh="送达地址与联系人", label_en="Address for notices", value=self.address or "未登记", wide=True
            ),
        )

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is missing for the letter to be served."""
        if self.address is not None:
            return ()
        return (Note(text="送达地址与联系人：未登记，请按合同约定补录保证金条款后送达", unconfirmed=True),)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFacts:
    """What a letter says beside the call itself.

    Attributes:
        figures: Label, value and formula of each figure behind the amount.
        zone: Where the hours are told.
    """

    addressee: Addressee
    bank: str
    figures: tuple[tuple[str, str, str], ...]
    unconfirmed: tuple[str, ...]
    zone: ZoneInfo
    is_sample: bool
    created_at: datetime


def call_letter(call: MarginCall, facts: LetterFacts) -> bytes:
    """Set the letter of a call, or of a return of margin, as PDF; the same call gives the same bytes."""
    is_return = call.direction == "return"
    unit = CURRENCY_WORDS.get(call.currency, call.currency)
    verb = "退还" if is_return else "追加"
    until = "按合同约定" if call.deadline is None else f"{call.deadline}"
    at = (
        ""
        if call.deadline_at is None
        else f"（{call.deadline_at.astimezone(facts.zone):%Y-%m-%d %H:%M} {facts.zone.key}）"
    )
    terms = [
        *facts.addressee.terms,
        Term(label_zh="协议编号", label_en="Agreement", value=call.agreement_code),
        Term(label_zh="业务日期", label_en="Business date", value=call.issued_on.isoformat()),
        Term(label_zh=f"须{verb}现金", label_en="Cash", value=f"{call.cash_amount:,.2f} {unit}"),
        Term(label_zh="办理期限", label_en="Deadline", value=f"{until}{at}"),
        Term(label_zh="已到账", label_en="Received", value=f"{call.received_amount:,.2f} {unit}"),
        Term(label_zh="尚欠", label_en="Outstanding", value=f"{call.outstanding_amount:,.2f} {unit}"),
        *(
            Term(label_zh="或追加配额", label_en="Or units", value=f"{one.unit} {one.quantity_t:,} 吨", wide=True)
            for one in call.top_ups
        ),
    ]
    figures = Table(
        title_zh="金额由来",
        title_en="How the amount came about",
        columns=(
            Column(label_zh="项目", label_en="Figure"),
            Column(label_zh="数值", label_en="Value", align=Align.RIGHT),
            Column(label_zh="算式", label_en="Formula"),
        ),
        rows=tuple(Row(cells=one) for one in facts.figures),
    )  # fmt: skip
    sheet = Sheet(
        title_zh="退还保证金通知书" if is_return else "追加担保通知书",
        title_en="Notice of margin to return" if is_return else "Margin call",
        subtitle=f"致：{facts.addressee.name}",
        number=f"{call.agreement_code}-{call.issued_on:%Y%m%d}-{call.part}",
        version="1",
        digest=call.decision_id,
        banner="示例" if facts.is_sample else None,
        issued_on=call.issued_on,
        sections=(TermGrid(title_zh="通知事项", title_en="Notice", items=tuple(terms)), figures),
        notes=(*facts.addressee.notes, *(Note(text=text, unconfirmed=True) for text in facts.unconfirmed)),
        disclaimer="对金额有异议的，请在期限前书面提出；无争议部分须先行交付。本通知依据双方签署的合同作出。",
        signatures=(SignatureBlock(party_zh="通知方", party_en="The bank", name=facts.bank),),
    )
    return render_pdf(sheet, attachments={}, created_at=facts.created_at.replace(microsecond=0))
