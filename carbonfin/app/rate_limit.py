"""How often a caller may ask, as the settings say it."""

from dataclasses import dataclass

from carbonfin.kernel.errors import InvalidInput

OFF = "off"
_REQUESTS_MAX = 1_000_000
_SECONDS_MAX = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most so many requests at once, refilled evenly over so many seconds."""

    requests_count: int
    seconds: int

    @property
    def policy(self) -> str:
        """The limit as a header says it."""
        return f'"caller";q={self.requests_count};w={self.seconds}'


def rate_limit_of(text: str, *, field: str) -> RateLimit | None:
    """Read `REQUESTS/SECONDS`, such as 2000/10; `off` sets no limit.

    Raises:
        InvalidInput: It is neither.
    """
    if text == OFF:
        return None
    parts = text.split("/")
    if len(parts) == 2 and all(part.isascii() and part.isdigit() for part in parts):
        requests_count, seconds = int(parts[0]), int(parts[1])
        if 0 < requests_count <= _REQUESTS_MAX and 0 < seconds <= _SECONDS_MAX:
            return RateLimit(requests_count=requests_count, seconds=seconds)
    raise InvalidInput(
        f"{field}: {text!r} is not REQUESTS/SECONDS, nor {OFF}",
        zh=f"环境变量 {field}：应为“次数/秒数”或 {OFF}",
        field=field,
        remedy="Give for example 2000/10: 2000 requests at once, refilled over ten seconds.",
        remedy_zh="例如 2000/10：一次最多 2000 次，10 秒内匀速恢复。",
    )
