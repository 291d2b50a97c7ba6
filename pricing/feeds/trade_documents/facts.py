"""What a document says of a trade, and what cannot be carried: path, what stands there, what was expected."""

import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.units import Currency, parse_decimal
from pricing.calc.instruments.contracts import AllowanceOption, OtcForward, SettlementKind
from pricing.calc.instruments.terms import LegalBasis, Notes, TradeTerms, TradingParty, basis_notes
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.feeds.trade_documents.nodes import NOTHING, Node

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A term that is kept word for word and enters no value."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read of one trade; None is what the document does not say or says wrongly.

    Attributes:
        shape: fpml or cdm.
        is_option: None where the product is neither a forward nor an option on allowances.
        quantity: Number of allowances; a tonne each where `unit` is a scheme of tonnes.
        remarks: What a person should know though nothing failed: Chinese and English.
    """

    shape: str
    is_option: bool | None = None
    trade_id: str | None = None
    trade_date: date | None = None
    effective_date: date | None = None
    termination_date: date | None = None
    delivery_date: date | None = None
    expiry_date: date | None = None
    unit: Unit | None = None
    quantity: int | None = None
    price: Decimal | None = None
    currency: Currency | None = None
    buyer: TradingParty | None = None
    seller: TradingParty | None = None
    others: tuple[TradingParty, ...] = ()
    option_type: OptionType | None = None
    style: ExerciseStyle | None = None
    premium_amount: Decimal | None = None
    master_agreement: str = ""
    clauses: tuple[Clause, ...] = ()
    remarks: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTrade:
    """One trade of a document: its facts, the contract where they are whole, and every failure by its path."""

    facts: Facts
    contract: OtcForward | AllowanceOption | None
    notes: Notes
    failures: tuple[Failure, ...]


class Reading:
    """Reads nodes one by one, remembers which were read, and lists what is wrong."""

    def __init__(self, facts: Facts, item: str) -> None:
        self.facts = facts
        self.failures: list[Failure] = []
        self._item = item
        self._seen: set[int] = set()

    def say(self, **stated: Any) -> None:
        """Add to the facts."""
        self.facts = replace(self.facts, **stated)

    def remark(self, zh: str, en: str) -> None:
        """Add what a person should know though nothing failed."""
        self.say(remarks=(*self.facts.remarks, (zh, en)))

    def fail(self, path: str, *, stands: str, expected: str, expected_zh: str) -> None:
        """List one thing that cannot be carried."""
        self.failures.append(
            Failure(
                item=self._item,
                field=path,
                detail=f"{path}: {stands} stands there; expected {expected}",
                zh=f"{path}：{'文件中没有此项' if stands == NOTHING else f'文件中为“{stands}”'}；应为{expected_zh}",
                remedy="Correct the document, or enter the trade by hand.",
                remedy_zh="请更正文件，或手工录入该交易。",
            )
        )

    def maybe(self, node: Node | None, *names: str) -> Node | None:
        """Give the node down a path, or None; one name twice is a failure."""
        for name in names:
            if node is None:
                return None
            found = node.named(name)
            if len(found) > 1:
                self.fail(
                    found[1].path, stands=f"a second {name}", expected=f"one {name}", expected_zh=f"唯一的 {name}"
                )
                for extra in found:
                    self.see_all(extra)
                return None
            node = found[0] if found else None
            if node is not None:
                self._seen.add(id(node))
        return node

    def one(self, node: Node | None, *names: str) -> Node | None:
        """Give the node down a path; where there is none it is a failure."""
        if node is None:
            return None
        before = len(self.failures)
        found = self.maybe(node, *names)
        if found is None and len(self.failures) == before:
            path = (
                f"{node.path}/{'/'.join(names)}"
                if node.path.startswith("/")
                else ".".join(filter(None, (node.path, *names)))
            )
            self.fail(path, stands=NOTHING, expected=names[-1], expected_zh=names[-1])
        return found

    def see(self, node: Node) -> None:
        """Count a node as read; what stands below it is read on its own."""
        self._seen.add(id(node))

    def see_all(self, node: Node) -> None:
        """Count a node and all below it as read."""
        self._seen.update(id(part) for part in node.walk())

    def keep(self, node: Node | None, *names: str) -> None:
        """Keep known terms word for word."""
        for name in names:
            for child in node.named(name) if node is not None else ():
                self.see_all(child)
                self.say(
                    clauses=(
                        *self.facts.clauses,
                        *(
                            Clause(path=part.path, text=part.text or "; ".join(part.attributes.values()))
                            for part in child.walk()
                            if not part.children
                        ),
                    )
                )

    def unread(self, root: Node) -> None:
        """List everything that was not read: a term that is not known cannot be left out silently."""
        if id(root) not in self._seen:
            self.fail(root.path, stands=root.said, expected="a term known here", expected_zh="本系统已知的条款")
            return
        for child in root.children:
            self.unread(child)

    # --- values ---
    def day(self, node: Node | None) -> date | None:
        """Give a day, YYYY-MM-DD."""
        if node is None:
            return None
        try:
            if _DAY.fullmatch(node.text):
                return date.fromisoformat(node.text)
        except ValueError:
            pass
        self.fail(node.path, stands=node.said, expected="a day YYYY-MM-DD", expected_zh="日期 YYYY-MM-DD")
        return None

    def number(self, node: Node | None) -> Decimal | None:
        """Give a plain decimal number above nil."""
        if node is None:
            return None
        try:
            value = parse_decimal(node.text, field=node.path)
        except CarbonFinError:
            value = None
        if value is None or value <= 0 or node.children:
            self.fail(node.path, stands=node.said, expected="a plain number above 0", expected_zh="大于 0 的数字")
            return None
        return value

    def whole(self, node: Node | None) -> int | None:
        """Give a whole number above nil."""
        value = self.number(node)
        if node is None or value is None:
            return None
        if value != value.to_integral_value():
            self.fail(node.path, stands=node.said, expected="whole allowances", expected_zh="整数配额")
            return None
        return int(value)

    def word(self, node: Node | None, *allowed: str) -> str | None:
        """Give a word that is one of those known."""
        if node is None:
            return None
        if node.text in allowed and not node.children:
            return node.text
        self.fail(node.path, stands=node.said, expected=" or ".join(allowed), expected_zh="或 ".join(allowed))
        return None

    def currency(self, node: Node | None) -> Currency | None:
        """Give a currency in use, the same as any stated before."""
        text = self.word(node, *Currency)
        if node is None or text is None:
            return None
        stated = self.facts.currency
        if stated is not None and stated.value != text:
            self.fail(node.path, stands=text, expected=f"{stated}, as before", expected_zh=f"与前文一致的 {stated}")
            return None
        self.say(currency=Currency(text))
        return self.facts.currency

    def party(self, code: Node | None, name: Node | None) -> TradingParty | None:
        """Give a party by its code."""
        if code is None:
            return None
        try:
            return TradingParty.parse(code.text, name="" if name is None else name.text, field=code.path)
        except CarbonFinError as error:
            self.fail(code.path, stands=code.said, expected=f"a USCI or LEI ({error.detail})",
                      expected_zh=f"统一社会信用代码或法人识别编码（{error.zh}）")  # fmt: skip
            return None


def read_trade(reading: Reading) -> ReadTrade:
    """Make the contract of facts that are whole; with any failure there is none."""
    facts = reading.facts
    contract: OtcForward | AllowanceOption | None = None
    if not reading.failures:
        try:
            contract = _contract(facts)
        except CarbonFinError as error:
            reading.fail(error.field or "trade", stands=error.detail, expected="a trade that can be",
                         expected_zh=f"可成立的交易（{error.zh}）")  # fmt: skip
    return ReadTrade(
        facts=facts,
        contract=contract,
        notes=basis_notes(LegalBasis(master_agreement=facts.master_agreement), is_derivative=True),
        failures=tuple(reading.failures),
    )


def _contract(facts: Facts) -> OtcForward | AllowanceOption:
    assert facts.unit is not None, "facts without a failure name the unit"
    assert facts.quantity is not None, "and the quantity"
    assert facts.price is not None, "and the price"
    assert facts.currency is not None, "and its currency"
    assert facts.trade_date is not None, "and the trade day"
    assert facts.delivery_date is not None, "and the delivery"
    assert facts.buyer is not None, "and the buyer"
    assert facts.seller is not None, "and the seller"
    terms = TradeTerms(
        trade_id=facts.trade_id or "",
        unit=facts.unit,
        quantity_t=facts.quantity,
        currency=facts.currency,
        trade_date=facts.trade_date,
        buyer=facts.buyer,
        seller=facts.seller,
        basis=LegalBasis(master_agreement=facts.master_agreement),
    )
    if not facts.is_option:
        return OtcForward(
            terms=terms,
            price_per_t=facts.price,
            delivery_date=facts.delivery_date,
            settlement=SettlementKind.PHYSICAL,
        )
    assert facts.option_type is not None, "an option is a call or a put"
    assert facts.style is not None, "and has a style"
    assert facts.expiry_date is not None, "and an expiry"
    return AllowanceOption(
        terms=terms,
        option_type=facts.option_type,
        style=facts.style,
        strike_per_t=facts.price,
        expiry_date=facts.expiry_date,
        delivery_date=facts.delivery_date,
        settlement=SettlementKind.PHYSICAL,
        premium_amount=facts.premium_amount,
    )
