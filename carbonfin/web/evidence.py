"""The files a form may name as its evidence: those linked to the thing, newest last."""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.files import links_of
from carbonfin.web.pages import Text


def evidence_choices(session: Session, actor: Actor, subject: str) -> list[tuple[str, Text]]:
    """Give each file whose content is kept as a choice of a form: its digest and its name."""
    found: dict[str, str] = {}
    for one in links_of(session, actor, subject):
        if not one.file.is_erased and not one.link.is_void:
            found.setdefault(one.file.digest, one.link.name)
    return [(digest, Text(name, name)) for digest, name in found.items()]
