"""Third-party custody (存管): accounts bound to an exchange, daily statements, every difference with its age."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlmodel import Session

from carbonfin.documents.text_tables import failure_of
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.storage.parties import Standing, load_party, parties_of
from collateral.calc.custody import CustodyDifference, Side, StatedItem, compare_custody
from collateral.feeds.custody_files import CustodyFile, CustodyLine, read_custody_file
from collateral.registries.port import CustodyStatement
from collateral.store import custody as store
from collateral.store.custody import CustodyAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyDraft:
    """An account as it is entered; it is bound from a day on, until further notice."""

    party_id: str
    custodian_name: str
    account_number: str
    exchange_code: str
    bound_from: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyImport:
    """What became of a statement: all of its lines stored, or none if any failed."""

    file: CustodyFile
    side: Side
    failures: tuple[Failure, ...]
    stored: bool
    written_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyTaken:
    """What became of an exchange's own statement: all of its lines stored, or none if any failed."""

    exchange_code: str
    failures: tuple[Failure, ...]
    written_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyView:
    """The custody accounts of a day with every difference, and the names of the parties."""

    day: date
    accounts: tuple[CustodyAccount, ...]
    differences: tuple[CustodyDifference, ...]
    party_names: dict[str, str]

    def account(self, account_id: str) -> CustodyAccount:
        """Give an account of the view."""
        return next(one for one in self.accounts if one.id == account_id)


def bind_custody_account(session: Session, actor: Actor, draft: CustodyDraft, *, standing: Standing) -> CustodyAccount:
    """Bind a party's custody account to an exchange from a day on; an earlier binding there ends the day before.

    The same binding again gives the account that is there.

    Raises:
        NotFound: There is no such party.
        Conflict: The number is another party's, or the party is bound from that day or a later one already.
    """
    party = load_party(session, actor, draft.party_id)
    for one in store.accounts_of(session, actor):
        if one.exchange_code != draft.exchange_code or not (
            one.party_id == party.id or one.account_number == draft.account_number
        ):
            continue
        if one.bound_to is not None and one.bound_to < draft.bound_from:
            continue
        said = (one.party_id, one.custodian_name, one.account_number, one.bound_from)
        if said == (party.id, draft.custodian_name, draft.account_number, draft.bound_from):
            return one
        is_later = one.party_id == party.id and one.bound_from < draft.bound_from
        if not is_later or not store.end_binding(
            session, actor, one.id, bound_to=draft.bound_from - timedelta(days=1)
        ):  # fmt: skip
            raise _bound_already(one)
    account = CustodyAccount(
        id="", party_id=party.id, custodian_name=draft.custodian_name, account_number=draft.account_number,
        exchange_code=draft.exchange_code, bound_from=draft.bound_from, bound_to=None,
    )  # fmt: skip
    return store.add_account(session, actor, account, at=standing.known_at)


def _bound_already(one: CustodyAccount) -> Conflict:
    until = one.bound_to or "further notice"
    return Conflict(
        f"account {one.account_number} is bound to {one.exchange_code} from {one.bound_from} until {until}",
        zh=f"存管账户 {one.account_number} 已自 {one.bound_from} 起绑定 {one.exchange_code}",
        field="bound_from",
        remedy="Choose a later day, or the party that holds the account.",
        remedy_zh="请选择更晚的绑定日，或核对账户所属企业。",
    )


def import_custody_statement(
    session: Session, actor: Actor, *, content: bytes, file_name: str, side: Side, standing: Standing, preview: bool
) -> CustodyImport:
    """Take in a day's statement of the custodian or of the exchange; all its lines, or none if any failed.

    What an account's earlier statement of the day had and this one has not is nil now.

    Raises:
        InvalidInput: The file as a whole cannot be read.
    """
    file = read_custody_file(content, file_name=file_name)
    items, faults = _read(session, actor, file.lines, side, standing)
    failures = (*file.failures, *faults)
    if failures or preview:
        return CustodyImport(file=file, side=side, failures=failures, stored=False, written_count=0)
    written = _stored(session, actor, items, source=file_name, standing=standing)
    return CustodyImport(file=file, side=side, failures=(), stored=True, written_count=written)


def exchanges_bound(session: Session, actor: Actor, *, standing: Standing) -> tuple[str, ...]:
    """Give the exchanges to which custody accounts are bound on the business date."""
    bound = (one for one in store.accounts_of(session, actor) if one.is_bound_on(standing.business_date))
    return tuple(sorted({one.exchange_code for one in bound}))


def take_exchange_statement(
    session: Session, actor: Actor, statement: CustodyStatement, *, standing: Standing
) -> CustodyTaken:
    """Take in what an exchange itself states of a day; all its lines, or none if any failed. Again, nothing changes.

    What an account's earlier statement of the day had and this one has not is nil now.
    """
    lines = tuple(
        CustodyLine(
            line=number, business_date=statement.business_date, account_number=one.account_number, item=one.item,
            amount=one.amount,
        )
        for number, one in enumerate(statement.balances, start=1)
    )  # fmt: skip
    items, failures = _read(session, actor, lines, Side.EXCHANGE, standing, exchange_code=statement.exchange_code)
    if failures:
        return CustodyTaken(exchange_code=statement.exchange_code, failures=failures, written_count=0)
    source = f"{statement.exchange_code} 接口"
    written = _stored(session, actor, items, source=source, standing=standing)
    return CustodyTaken(exchange_code=statement.exchange_code, failures=(), written_count=written)


def _read(
    session: Session,
    actor: Actor,
    lines: tuple[CustodyLine, ...],
    side: Side,
    standing: Standing,
    *,
    exchange_code: str | None = None,
) -> tuple[list[StatedItem], tuple[Failure, ...]]:
    accounts = tuple(one for one in store.accounts_of(session, actor) if exchange_code in {None, one.exchange_code})
    items, failures = [], []
    for line in lines:
        try:
            items.append(_item(accounts, line, side, standing))
        except InvalidInput as error:
            failures.append(failure_of(line.line, None, error))
    return items, tuple(failures)


def _stored(session: Session, actor: Actor, items: list[StatedItem], *, source: str, standing: Standing) -> int:
    return store.add_items(session, actor, (*items, *_gone(session, actor, items)), source=source, at=standing.known_at)


def _item(accounts: tuple[CustodyAccount, ...], line: CustodyLine, side: Side, standing: Standing) -> StatedItem:
    if line.business_date > standing.business_date:
        raise InvalidInput(
            f"{line.business_date} lies after the business date {standing.business_date}",
            zh=f"{line.business_date} 晚于业务日期 {standing.business_date}", field="business_date",
            remedy="State days that have ended.", remedy_zh="只能报送已结束的业务日期。",
        )  # fmt: skip
    account = next(
        (one for one in accounts if one.account_number == line.account_number and one.is_bound_on(line.business_date)),
        None,
    )
    if account is None:
        raise InvalidInput(
            f"no custody account {line.account_number} is bound on {line.business_date}",
            zh=f"{line.business_date} 没有已绑定的存管账户 {line.account_number}", field="account_number",
            remedy="Bind the account first, or correct the number.", remedy_zh="请先登记绑定，或更正账号。",
        )  # fmt: skip
    return StatedItem(
        account_id=account.id, business_date=line.business_date, side=side, item=line.item, amount=line.amount
    )


def _gone(session: Session, actor: Actor, items: list[StatedItem]) -> list[StatedItem]:
    """Give as nil what the same side stated of the same account and day before, and no longer does."""
    if not items:
        return []
    now = {(one.account_id, one.business_date, one.side, one.item) for one in items}
    places = {key[:3] for key in now}
    before = {
        (one.account_id, one.business_date, one.side, one.item)
        for one in store.items_of(session, actor, until=max(one.business_date for one in items))
    }
    return [
        StatedItem(account_id=key[0], business_date=key[1], side=key[2], item=key[3], amount=Decimal(0))
        for key in sorted(before - now)
        if key[:3] in places
    ]


def custody_view(session: Session, actor: Actor, *, standing: Standing, day: date | None) -> CustodyView:
    """Give the accounts bound on a day, or on the business date, and every difference with its age.

    Raises:
        NotFound: The day lies after the business date.
    """
    shown = day or standing.business_date
    if shown > standing.business_date:
        raise NotFound(
            f"{shown} lies after the business date {standing.business_date}",
            zh=f"{shown} 晚于业务日期 {standing.business_date}", field="day",
        )  # fmt: skip
    accounts = tuple(one for one in store.accounts_of(session, actor) if one.is_bound_on(shown))
    found = compare_custody(
        store.items_of(session, actor, until=shown), bound_from={one.id: one.bound_from for one in accounts}, day=shown
    )
    names = {one.id: one.name for one in parties_of(session, actor)}
    return CustodyView(day=shown, accounts=accounts, differences=found, party_names=names)
