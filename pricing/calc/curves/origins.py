"""Where the curves of a day come from: their kinds, the quotes each was built of, and what could not be built."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from carbonfin.kernel.batch import Failure
from pricing.calc.curve_quotes import CurveQuote
from pricing.calc.curves.curve_set import CurveSet
from pricing.calc.curves.surfaces import SurfaceBuild


class CurveKind(StrEnum):
    """What a curve gives for a day: discount factors, prices for delivery, or exchange rates."""

    DISCOUNT = "discount"
    FUTURES = "futures"
    FX = "fx"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveInput:
    """One quote that a curve was built of.

    Attributes:
        quote: The quote as published.
        node_date: Day of the node it set.
        residual: What the curve gives there less the quote, in the quote's own unit.
    """

    quote: CurveQuote
    node_date: date
    residual: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveOrigin:
    """Where a curve comes from.

    Attributes:
        kind: What it gives.
        name: Currency, scheme or pair; a scheme in several curves is named with its phases, EUA/3.
        inputs: The quotes, in order of their nodes.
        made_of: Currencies of the discount curves it follows from by covered parity; empty where quotes made it alone.
        unconfirmed: Keys and scopes of what was used and nobody compared with its document.
    """

    kind: CurveKind
    name: str
    inputs: tuple[CurveInput, ...]
    made_of: tuple[str, ...]
    unconfirmed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveBuild:
    """The curves of a day with their origins, and what could not be built.

    Attributes:
        curves: The curves, under one digest.
        origins: One for each curve: discount, then futures, then fx, each by name.
        failures: Curves whose quotes are there and do not make one; the item is kind and name, `discount CNY`.
        surfaces: The volatility surfaces of the day, by name.
        surface_failures: Surfaces that could not be built; the item is `volatility EUA`.
    """

    curves: CurveSet
    origins: tuple[CurveOrigin, ...]
    failures: tuple[Failure, ...]
    surfaces: tuple[SurfaceBuild, ...] = ()
    surface_failures: tuple[Failure, ...] = ()
