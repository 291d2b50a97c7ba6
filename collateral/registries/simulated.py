"""What the simulated registry has done, and the faults it was told to make."""

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from carbonfin.kernel.dates import Clock
from collateral.calc.freezes import Operation
from collateral.calc.serials import Ranges, SerialRange, merged, without
from collateral.registries.signing import REPLAY_WINDOW

_CONTENT = ("operation", "bank_id", "agreement_code", "units")


class Fault(StrEnum):
    """What goes wrong.

    Of the request: DROP: lost before it is carried out. REORDER: the connection breaks, and the request arrives after
    the next one. DUPLICATE: it arrives twice. BUSY: refused for now (429). SERVER_ERROR: 500 before it is carried out.
    Of the work: PROCESSING: accepted and left unfinished; queries say so until the fault is lifted. REJECT: refused for
    good. WRONG_QUANTITY: carried out for one tonne less of each unit, and so confirmed. SHORT: the same, but confirmed
    as asked. WRONG_SERIALS: carried out for the numbers one further on, and so confirmed. OTHER_SERIALS: the same, but
    confirmed as asked. Of the reply: DELAY: late. LOSE_REPLY: never sent. ERROR_AFTER: 500 although it was carried out.
    TRUNCATED: cut. WRONG_SIGNATURE: signed with another secret. GATEWAY_404: a gateway's own page says "not found".
    Of a custody statement: STALE: that of the day before. DUPLICATE: each line twice. WRONG_QUANTITY: one of the last
    place less of each amount.
    """

    LOSE_REPLY = "lose_reply"
    PROCESSING = "processing"
    REJECT = "reject"
    DELAY = "delay"
    DROP = "drop"
    REORDER = "reorder"
    DUPLICATE = "duplicate"
    BUSY = "busy"
    SERVER_ERROR = "server_error"
    ERROR_AFTER = "error_after"
    WRONG_QUANTITY = "wrong_quantity"
    SHORT = "short"
    WRONG_SERIALS = "wrong_serials"
    OTHER_SERIALS = "other_serials"
    STALE = "stale"
    TRUNCATED = "truncated"
    WRONG_SIGNATURE = "wrong_signature"
    GATEWAY_404 = "gateway_404"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFault:
    """A fault that strikes one agreement.

    Attributes:
        operation: freeze, unfreeze, transfer, convert, query, statement or custody; the last two strike agreement `*`.
        times: How often it strikes.
        delay_seconds: How late a DELAY answers.
    """

    agreement_code: str
    operation: str
    fault: Fault
    times: int
    delay_seconds: float = 0.0


class RegistryState:
    """What the simulated registry has done, kept under one lock."""

    def __init__(self, file: Path | None, faults: tuple[PlannedFault, ...], *, clock: Clock) -> None:
        self._lock = threading.RLock()
        self._file = file
        self._clock = clock
        self._requests: dict[str, dict[str, Any]] = {}
        self._held: dict[tuple[str, str, str], tuple[int, tuple[str, ...]]] = {}
        self._custody: dict[tuple[str, str], list[dict[str, str]]] = {}
        self._faults: list[dict[str, Any]] = []
        self._under_way: list[dict[str, Any]] = []
        self._nonces: dict[str, datetime] = {}
        self.released = threading.Event()
        for one in faults:
            self.plan(one)
        if file is not None and file.exists():
            self._requests = json.loads(file.read_text(encoding="utf-8"))

    def plan(self, fault: PlannedFault) -> None:
        """Plan a fault."""
        with self._lock:
            self._faults.append({"fault": fault, "left": fault.times})

    def strike(self, agreement_code: str, operation: str) -> PlannedFault | None:
        """Give the fault that strikes now, and count it."""
        with self._lock:
            for planned in self._faults:
                fault: PlannedFault = planned["fault"]
                if fault.agreement_code == agreement_code and fault.operation == operation and planned["left"] > 0:
                    planned["left"] -= 1
                    return fault
        return None

    def is_first_use(self, nonce: str, signed_at: datetime) -> bool:
        """Tell whether a nonce is new; those too old to pass the window are forgotten."""
        with self._lock:
            oldest = self._clock.now() - REPLAY_WINDOW
            self._nonces = {name: at for name, at in self._nonces.items() if at >= oldest}
            is_new = nonce not in self._nonces
            self._nonces[nonce] = signed_at
            return is_new

    def hold_back(self, body: dict[str, Any]) -> None:
        """Keep a request under way; it arrives after the next one."""
        with self._lock:
            self._under_way.append(body)

    def arrive(self) -> None:
        """Have what is under way arrive now."""
        with self._lock:
            late, self._under_way = self._under_way, []
            for body in late:
                self.carry_out(body, fault=None)

    def carry_out(self, body: dict[str, Any], *, fault: Fault | None) -> tuple[int, dict[str, Any]]:
        """Carry out a request once, if it is not too late; the same key again gives the first answer."""
        key = body["request_key"]
        content = {name: body[name] for name in _CONTENT}
        with self._lock:
            known = self._requests.get(key)
            if known is not None and any(known["body"].get(name) != content[name] for name in _CONTENT):
                return 409, {"outcome": "rejected", "reference": "", "reason": "the key was used for another request"}
            if known is None and self._clock.now() > datetime.fromisoformat(body["not_after"]):
                return 410, {"outcome": "not_found", "reference": "", "reason": "the request came too late"}
            if known is None:
                known = self._requests[key] = self._carried_out(content, fault)
                self._save()
            return 200, _answer(known)

    def _carried_out(self, content: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
        outcome = {Fault.PROCESSING: "processing", Fault.REJECT: "rejected"}.get(fault or Fault.DELAY, "done")
        reason = "refused by the rehearsal" if outcome == "rejected" else self._objection(content)
        if reason:
            outcome = "rejected"
        return {
            "body": content,
            "outcome": outcome,
            "reference": f"SIM-{len(self._requests) + 1:06d}",
            "reason": reason,
            "short_t": 1 if fault in {Fault.WRONG_QUANTITY, Fault.SHORT} else 0,
            "admits": fault not in {Fault.SHORT, Fault.OTHER_SERIALS},
            "shifted": 1 if fault in {Fault.WRONG_SERIALS, Fault.OTHER_SERIALS} else 0,
        }

    def _objection(self, content: dict[str, Any]) -> str:
        """Say why named numbers cannot be frozen, or let go: frozen already, or not frozen for the agreement."""
        frozen = self._numbers()
        agreement = (content["bank_id"], content["agreement_code"])
        mine = [one for place, ranges in frozen.items() if place[:2] == agreement for one in ranges]
        others = [one for ranges in frozen.values() for one in ranges]
        for text in (text for one in content["units"] for text in one.get("serials", ())):
            asked = SerialRange.parse(text)
            if content["operation"] == "freeze" and any(_meet(asked, one) for one in others):
                return f"{text} is frozen already"
            if content["operation"] != "freeze" and not _lies_in(asked, mine):
                return f"{text} is not frozen for {content['agreement_code']}"
        return ""

    def _numbers(self) -> dict[tuple[str, str, str, str], Ranges]:
        """Give the numbers frozen by bank, agreement, account and unit."""
        frozen: dict[tuple[str, str, str, str], Ranges] = {}
        done = [
            (known, one)
            for known in self._requests.values()
            for one in known["body"]["units"]
            if known["outcome"] == "done" and one.get("serials")
        ]
        for known, one in done:
            body = known["body"]
            place = (body["bank_id"], body["agreement_code"], one["account_id"], one["unit"])
            before = frozen.get(place, ())
            if body["operation"] == "freeze":
                named = [SerialRange.parse(_shifted(text, known.get("shifted", 0))) for text in one["serials"]]
                frozen[place] = merged((*before, *named))
            else:
                named = [SerialRange.parse(text) for text in one["serials"]]
                frozen[place] = without(before, named)
                if body["operation"] == Operation.CONVERT:
                    made = (*place[:3], one["to_unit"])
                    frozen[made] = merged((*frozen.get(made, ()), *named))
        return frozen

    def frozen_serials(self) -> dict[str, list[str]]:
        """Give the numbers frozen by agreement, as they are written."""
        found: dict[str, Ranges] = {}
        with self._lock:
            for (_, code, _, _), ranges in sorted(self._numbers().items()):
                found[code] = merged((*found.get(code, ()), *ranges))
        return {code: list(map(str, ranges)) for code, ranges in found.items() if ranges}

    def look_up(self, key: str) -> tuple[str, dict[str, Any]] | None:
        """Give a request's agreement and answer, or None."""
        with self._lock:
            known = self._requests.get(key)
            return None if known is None else (known["body"]["agreement_code"], _answer(known))

    def frozen_t(self) -> dict[str, int]:
        """Give the tonnes frozen by account and unit."""
        frozen: dict[str, int] = {}
        for (account_id, unit, _), quantity_t in self._frozen(None).items():
            name = f"{account_id}/{unit}"
            frozen[name] = frozen.get(name, 0) + quantity_t
        return {name: quantity_t for name, quantity_t in sorted(frozen.items()) if quantity_t}

    def hold(
        self, account_id: str, unit: str, quantity_t: int, *, bank_id: str = "", serials: tuple[str, ...] = ()
    ) -> None:
        """State a total held from now on, with its numbers where it has some, to one bank or to all."""
        with self._lock:
            self._held[(bank_id, account_id, unit)] = (quantity_t, serials)

    def statement(self, bank_id: str) -> dict[str, list[dict[str, Any]]]:
        """Give every freeze in favour of a bank by account, unit and agreement, and the totals it may see."""
        with self._lock:
            numbers = self._numbers()
            frozen = [
                {"account_id": account_id, "unit": unit, "agreement_code": code, "quantity_t": quantity_t}
                | _named(map(str, numbers.get((bank_id, code, account_id, unit), ())))
                for (account_id, unit, code), quantity_t in sorted(self._frozen(bank_id).items())
                if quantity_t
            ]
            held = [
                {"account_id": account_id, "unit": unit, "quantity_t": quantity_t} | _named(serials)
                for (seen_by, account_id, unit), (quantity_t, serials) in sorted(self._held.items())
                if seen_by in {"", bank_id}
            ]
        return {"frozen": frozen, "held": held}

    def state_custody(self, exchange_code: str, day: str, balances: list[dict[str, str]]) -> None:
        """State the trading funds in custody at the end of a day from now on."""
        with self._lock:
            self._custody[exchange_code, day] = balances

    def custody(self, exchange_code: str, day: str, *, fault: Fault | None) -> tuple[int, dict[str, Any]]:
        """Give the custody statement of an exchange and a day, with what the fault does to it; 404 without one."""
        with self._lock:
            stated = date.fromisoformat(day) - timedelta(days=1 if fault is Fault.STALE else 0)
            balances = self._custody.get((exchange_code, stated.isoformat()))
        if balances is None:
            return 404, {"outcome": "not_found"}
        if fault is Fault.WRONG_QUANTITY:
            balances = [{**one, "amount": _one_less(one["amount"])} for one in balances]
        if fault is Fault.DUPLICATE:
            balances = [*balances, *balances]
        return 200, {"exchange": exchange_code, "day": stated.isoformat(), "balances": balances}

    def _frozen(self, bank_id: str | None) -> dict[tuple[str, str, str], int]:
        frozen: dict[tuple[str, str, str], int] = {}
        with self._lock:
            for known in self._requests.values():
                body = known["body"]
                if bank_id is not None and body.get("bank_id", bank_id) != bank_id:
                    continue
                sign = (1 if body["operation"] == "freeze" else -1) if known["outcome"] == "done" else 0
                for one in body["units"]:
                    place = (one["account_id"], one["unit"], body["agreement_code"])
                    moved_t = int(one["quantity_t"]) - known.get("short_t", 0)
                    frozen[place] = frozen.get(place, 0) + sign * moved_t
                    if body["operation"] == Operation.CONVERT and sign:
                        made = (one["account_id"], one["to_unit"], body["agreement_code"])
                        frozen[made] = frozen.get(made, 0) + moved_t
        return frozen

    def finish(self) -> None:
        """Finish what was left processing."""
        with self._lock:
            for known in self._requests.values():
                if known["outcome"] == "processing":
                    known["outcome"] = "done"
            self._save()

    def _save(self) -> None:
        if self._file is not None:
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps(self._requests, ensure_ascii=False, sort_keys=True, indent=1), encoding="utf-8")
            fresh.replace(self._file)


def _meet(first: SerialRange, second: SerialRange) -> bool:
    return first.numbering == second.numbering and first.first <= second.last and second.first <= first.last


def _named(serials: Iterable[str]) -> dict[str, list[str]]:
    """Give the field that names numbers; none where there are none."""
    found = list(serials)
    return {"serials": found} if found else {}


def _lies_in(asked: SerialRange, ranges: Sequence[SerialRange]) -> bool:
    return any(_meet(asked, one) and one.first <= asked.first and asked.last <= one.last for one in ranges)


def _shifted(text: str, by: int) -> str:
    named = SerialRange.parse(text)
    return str(replace(named, first=named.first + by, last=named.last + by))


def _one_less(amount: str) -> str:
    """Take one from the last place of an amount."""
    number = Decimal(amount)
    return str(number - Decimal((0, (1,), number.as_tuple().exponent)))  # type: ignore[arg-type]  # it is finite


def _answer(known: dict[str, Any]) -> dict[str, Any]:
    admits = known.get("admits", True)
    short_t = known.get("short_t", 0) if admits else 0
    units = [{**one, "quantity_t": one["quantity_t"] - short_t} for one in known["body"]["units"]]
    for one in units:
        if "serials" in one:
            one["serials"] = [_shifted(text, known.get("shifted", 0) if admits else 0) for text in one["serials"]]
    return {**{name: known[name] for name in ("outcome", "reference", "reason")}, "units": units}
