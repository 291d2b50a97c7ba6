"""A process that keeps decisions in several threads and names each key once it is acknowledged.

`python -m tests.storage.deciding_process DATABASE PERSON NAME THREADS EACH`
"""

import sys
import threading
from functools import partial

from sqlmodel import Session

from carbonfin.storage.decisions import AskedDecision, KeyedRequest, MadeDecision, Recorded, decide_once, make_decision
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.idempotency import StoredReply
from carbonfin.storage.parties import actor_of
from tests.storage.test_decisions import INTEREST, KNOWN_AT, P0, VALID_ON, InterestOutputs


def _given(made: MadeDecision[InterestOutputs], _: Session) -> MadeDecision[InterestOutputs]:
    return made


def _always(*_: object) -> bool:
    return True


def main() -> None:
    """Keep decisions until all are kept, or somebody ends the process."""
    database, person, name, threads, each = sys.argv[1:]
    sessions = Sessions(open_engine(f"sqlite:///{database}"))
    with sessions.read() as session:
        actor = actor_of(session, person)

    def answer(recorded: Recorded[InterestOutputs]) -> StoredReply:
        return StoredReply(status_code=201, reply=recorded.decision_id)

    def work(thread: int) -> None:
        for number in range(int(each)):
            key = f"{name}-{thread}-{number}"
            made = make_decision(INTEREST, P0, subject=f"loan:{key}", valid_on=VALID_ON, known_at=KNOWN_AT)
            request = KeyedRequest(key=key, input_digest=key, address="/interest")
            kept = decide_once(
                sessions, AskedDecision(actor, request, partial(_given, made), answer, is_of_today=_always)
            )  # fmt: skip
            assert not kept.repeated
            sys.stdout.write(f"{key} {kept.stored.reply}\n")
            sys.stdout.flush()

    workers = [threading.Thread(target=work, args=(thread,)) for thread in range(int(threads))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
