"""Expected failures, by kind; the application maps each code to a status and a page."""

from typing import ClassVar


class CarbonFinError(Exception):
    """An expected failure that names the thing, the value, the rule and the remedy.

    Args:
        detail: What happened, in English, for systems and logs.
        zh: The same for a person, in Chinese.
        field: The field at fault, as a JSON pointer or form field name.
        remedy: What to do, in English.
        remedy_zh: What to do, in Chinese.
        context: Named values a caller may show or act on.
    """

    code: ClassVar[str] = "error"

    def __init__(
        self,
        detail: str,
        *,
        zh: str,
        field: str | None = None,
        remedy: str = "",
        remedy_zh: str = "",
        **context: object,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.zh = zh
        self.field = field
        self.remedy = remedy
        self.remedy_zh = remedy_zh
        self.context = context

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes: batches run in workers, and their failures must come home."""
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[CarbonFinError], args: tuple[object, ...], state: dict[str, object]) -> CarbonFinError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class InvalidInput(CarbonFinError):
    """A value breaks a stated rule."""

    code = "invalid-input"


class NotFound(CarbonFinError):
    """There is no such thing, or the asker may not know of it."""

    code = "not-found"


class Conflict(CarbonFinError):
    """The thing has changed, or a key was used for something else."""

    code = "conflict"


class NotPermitted(CarbonFinError):
    """The asker's role does not allow it."""

    code = "not-permitted"


class NotApplicable(CarbonFinError):
    """The rule asked for does not apply to this case."""

    code = "not-applicable"


class MissingData(CarbonFinError):
    """A fact that the answer needs is not known; nothing is assumed in its place."""

    code = "missing-data"


class UpstreamFailed(CarbonFinError):
    """A registry or provider did not answer as agreed."""

    code = "upstream-failed"


class CalculationFailed(CarbonFinError):
    """A calculation did not converge or gave no finite number."""

    code = "calculation-failed"


ERROR_KINDS: tuple[type[CarbonFinError], ...] = (
    InvalidInput,
    NotFound,
    Conflict,
    NotPermitted,
    NotApplicable,
    MissingData,
    UpstreamFailed,
    CalculationFailed,
)
