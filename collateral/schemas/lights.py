"""The six lights of the desk as the API shows them."""

from msgspec import Struct

from collateral.calc.lights import LEVEL_NAMES, LIGHT_NAMES, Light
from collateral.service.lights import DeskLights


class LightThresholdOut(Struct, frozen=True, kw_only=True):
    """A dated value by which a light turns."""

    key: str
    scope: str
    value: str
    unit: str
    document: str
    confirmed: bool


class LightOut(Struct, frozen=True, kw_only=True):
    """One light: its level in words, how many items it counts, the worst of them, and its thresholds."""

    kind: str
    title: str
    title_zh: str
    level: str
    level_title: str
    level_title_zh: str
    count: int
    worst: str | None
    worst_zh: str | None
    thresholds: list[LightThresholdOut]

    @classmethod
    def of(cls, one: Light) -> "LightOut":
        """Show a light."""
        title_zh, title = LIGHT_NAMES[one.kind]
        level_zh, level = LEVEL_NAMES[one.level]
        return cls(
            kind=one.kind.value,
            title=title,
            title_zh=title_zh,
            level=one.level.value,
            level_title=level,
            level_title_zh=level_zh,
            count=one.count,
            worst=None if one.worst is None else one.worst.words[1],
            worst_zh=None if one.worst is None else one.worst.words[0],
            thresholds=[
                LightThresholdOut(
                    key=value.key, scope=value.scope, value=value.value, unit=value.unit, document=value.document,
                    confirmed=value.confirmed,
                )
                for value in one.thresholds
            ],
        )  # fmt: skip


class DeskLightsOut(Struct, frozen=True, kw_only=True):
    """The six lights on the business date."""

    business_date: str
    lights: list[LightOut]

    @classmethod
    def of(cls, found: DeskLights, *, business_date: str) -> "DeskLightsOut":
        """Show them in order."""
        return cls(business_date=business_date, lights=[LightOut.of(one) for one in found.lights])
