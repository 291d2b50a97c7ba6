"""The language of a page: Chinese first, English by a switch kept in a cookie."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from carbonfin.web.connections import Connection

LANGUAGE_COOKIE = "carbonfin_language"
LANGUAGE_QUERY = "lang"


class Language(StrEnum):
    """Languages a page can be read in."""

    ZH = "zh"
    EN = "en"

    @property
    def locale(self) -> str:
        """The locale for figures and days."""
        return "zh_CN" if self is Language.ZH else "en_GB"

    @property
    def tag(self) -> str:
        """The value of the `lang` attribute."""
        return "zh-CN" if self is Language.ZH else "en"


@dataclass(frozen=True, slots=True)
class Text:
    """Words for a reader, in both languages."""

    zh: str
    en: str

    def in_language(self, language: Language) -> str:
        """Give the words in one language."""
        return self.zh if language is Language.ZH else self.en


_CURRENT: ContextVar[Language] = ContextVar("carbonfin_language", default=Language.ZH)


def current_language() -> Language:
    """Give the language of the page being written."""
    return _CURRENT.get()


@contextmanager
def writing_in(language: Language) -> Iterator[None]:
    """Write everything inside the block in one language."""
    token = _CURRENT.set(language)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def asked_language(connection: Connection) -> Language | None:
    """Give the language named in the address, if it names one that exists."""
    asked = connection.query_params.get(LANGUAGE_QUERY)
    return Language(asked) if asked in list(Language) else None


def language_of(connection: Connection) -> Language:
    """Give the language of a request: the address, else the cookie, else Chinese."""
    asked = asked_language(connection)
    if asked is not None:
        return asked
    kept = connection.cookies.get(LANGUAGE_COOKIE)
    return Language(kept) if kept in list(Language) else Language.ZH
