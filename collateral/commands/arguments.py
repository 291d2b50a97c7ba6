"""What commands read of their arguments: a pledge by its code, a file kept as evidence."""

from pathlib import Path

from sqlmodel import Session

from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.files import CheckedFile, check_file, store_file
from carbonfin.web.terminal import Terminal
from collateral import service
from collateral.calc.agreements import Pledge


def stored_evidence(session: Session, terminal: Terminal, evidence: Path | None) -> str:
    """Keep a file of this machine as evidence and give its digest.

    Raises:
        InvalidInput: No file was named, or it is none that is kept.
    """
    if evidence is None:
        raise InvalidInput("a file is needed", zh="请用 --evidence 给出证明附件", field="--evidence")
    return store_file(session, terminal.actor, checked_evidence(evidence), at=terminal.clock.now()).digest


def checked_evidence(evidence: Path) -> CheckedFile:
    """Read a file of this machine that may be kept as evidence, and keep nothing yet.

    Raises:
        InvalidInput: It is none that is kept.
    """
    return check_file(evidence.read_bytes(), name=evidence.name)


def pledge_of_code(session: Session, terminal: Terminal, code: str) -> Pledge:
    """Give the pledge of a code.

    Raises:
        NotFound: There is none.
    """
    found = service.pledge_by_code(session, terminal.actor, code)
    if found is None:
        raise NotFound(f"there is no pledge {code}", zh=f"没有质押 {code}", field="code")
    return found
