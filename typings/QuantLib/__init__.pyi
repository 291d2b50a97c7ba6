"""The QuantLib names in use, with their types; the wheel states none, so that every call would be `Any`.

A name that is missing here is an error to mypy: add it with its real signature.
"""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import ClassVar, Self, overload

Continuous: int
Compounded: int
Simple: int
Annual: int
Monthly: int
Unadjusted: int
Following: int
ModifiedFollowing: int
Days: int
Months: int
Saturday: int
Sunday: int

class Date:
    @overload
    def __init__(self) -> None: ...
    @overload
    def __init__(self, serialNumber: int, /) -> None: ...
    @overload
    def __init__(self, d: int, m: int, y: int, /) -> None: ...
    @staticmethod
    def todaysDate() -> Date: ...
    def dayOfMonth(self) -> int: ...
    def month(self) -> int: ...
    def year(self) -> int: ...
    def serialNumber(self) -> int: ...
    def ISO(self) -> str: ...
    def __add__(self, days: int | Period, /) -> Date: ...
    @overload
    def __sub__(self, other: Date, /) -> int: ...
    @overload
    def __sub__(self, days: int | Period, /) -> Date: ...
    def __lt__(self, other: Date, /) -> bool: ...
    def __le__(self, other: Date, /) -> bool: ...
    def __gt__(self, other: Date, /) -> bool: ...
    def __ge__(self, other: Date, /) -> bool: ...

class Period:
    @overload
    def __init__(self, frequency: int, /) -> None: ...
    @overload
    def __init__(self, n: int, units: int, /) -> None: ...
    @overload
    def __init__(self, text: str, /) -> None: ...
    def frequency(self) -> int: ...

class DayCounter:
    def dayCount(self, d1: Date, d2: Date, /) -> int: ...
    def yearFraction(self, d1: Date, d2: Date, startRef: Date = ..., endRef: Date = ..., /) -> float: ...
    def name(self) -> str: ...

class Actual360(DayCounter):
    def __init__(self, includeLastDay: bool = False, /) -> None: ...

class Actual365Fixed(DayCounter):
    def __init__(self) -> None: ...

class Thirty360(DayCounter):
    European: ClassVar[int]
    def __init__(self, convention: int, /) -> None: ...

class Settings:
    evaluationDate: Date
    @staticmethod
    def instance() -> Settings: ...
    def resetEvaluationDate(self) -> None: ...

class SavedSettings:
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

class Calendar:
    def isBusinessDay(self, d: Date, /) -> bool: ...
    def isHoliday(self, d: Date, /) -> bool: ...
    def name(self) -> str: ...
    def addHoliday(self, d: Date, /) -> None: ...
    def removeHoliday(self, d: Date, /) -> None: ...
    def adjust(self, d: Date, convention: int = ..., /) -> Date: ...
    @overload
    def advance(self, d: Date, n: int, unit: int, convention: int = ..., endOfMonth: bool = ..., /) -> Date: ...
    @overload
    def advance(self, d: Date, period: Period, convention: int = ..., endOfMonth: bool = ..., /) -> Date: ...

class BespokeCalendar(Calendar):
    def __init__(self, name: str, /) -> None: ...
    def addWeekend(self, weekday: int, /) -> None: ...

class JointCalendar(Calendar):
    def __init__(self, first: Calendar, second: Calendar, /) -> None: ...

class China(Calendar):
    IB: ClassVar[int]
    def __init__(self, market: int = ..., /) -> None: ...

class HongKong(Calendar):
    def __init__(self) -> None: ...

class TARGET(Calendar):
    def __init__(self) -> None: ...

class UnitedStates(Calendar):
    FederalReserve: ClassVar[int]
    def __init__(self, market: int, /) -> None: ...

class NullCalendar(Calendar):
    def __init__(self) -> None: ...

class WeekendsOnly(Calendar):
    def __init__(self) -> None: ...

class DateGeneration:
    Backward: ClassVar[int]
    Forward: ClassVar[int]

class Schedule:
    def __init__(
        self,
        effectiveDate: Date,
        terminationDate: Date,
        tenor: Period,
        calendar: Calendar,
        convention: int,
        terminationDateConvention: int,
        rule: int,
        endOfMonth: bool,
        /,
    ) -> None: ...
    def dates(self) -> tuple[Date, ...]: ...
    def __iter__(self) -> Iterator[Date]: ...
    def __len__(self) -> int: ...

class YieldTermStructure:
    @overload
    def discount(self, d: Date, extrapolate: bool = False, /) -> float: ...
    @overload
    def discount(self, t: float, extrapolate: bool = False, /) -> float: ...
    def referenceDate(self) -> Date: ...

class FlatForward(YieldTermStructure):
    @overload
    def __init__(self, settlementDays: int, calendar: Calendar, forward: float, dayCounter: DayCounter, /) -> None: ...
    @overload
    def __init__(
        self,
        referenceDate: Date,
        forward: float,
        dayCounter: DayCounter,
        compounding: int = ...,
        frequency: int = ...,
        /,
    ) -> None: ...
    @overload
    def __init__(
        self,
        referenceDate: Date,
        forward: QuoteHandle,
        dayCounter: DayCounter,
        compounding: int = ...,
        frequency: int = ...,
        /,
    ) -> None: ...

class YieldTermStructureHandle:
    def __init__(self, curve: YieldTermStructure = ..., /) -> None: ...

class DiscountCurve(YieldTermStructure):
    def __init__(self, dates: Sequence[Date], discounts: Sequence[float], dayCounter: DayCounter, /) -> None: ...
    def enableExtrapolation(self) -> None: ...

class IborIndex:
    def __init__(
        self,
        familyName: str,
        tenor: Period,
        settlementDays: int,
        currency: Currency,
        calendar: Calendar,
        convention: int,
        endOfMonth: bool,
        dayCounter: DayCounter,
        h: YieldTermStructureHandle = ...,
        /,
    ) -> None: ...
    def name(self) -> str: ...
    def fixingDays(self) -> int: ...
    def valueDate(self, fixingDate: Date, /) -> Date: ...
    def maturityDate(self, valueDate: Date, /) -> Date: ...
    def dayCounter(self) -> DayCounter: ...

class OvernightIndex(IborIndex):
    def __init__(
        self,
        familyName: str,
        settlementDays: int,
        currency: Currency,
        calendar: Calendar,
        dayCounter: DayCounter,
        h: YieldTermStructureHandle = ...,
        /,
    ) -> None: ...

class Shibor(IborIndex):
    def __init__(self, tenor: Period, h: YieldTermStructureHandle = ..., /) -> None: ...

class Pillar:
    LastRelevantDate: ClassVar[int]

class RateHelper:
    def quote(self) -> QuoteHandle: ...
    def impliedQuote(self) -> float: ...
    def pillarDate(self) -> Date: ...
    def earliestDate(self) -> Date: ...

class DepositRateHelper(RateHelper):
    def __init__(self, rate: QuoteHandle, index: IborIndex, /) -> None: ...

class SwapRateHelper(RateHelper):
    def __init__(
        self,
        rate: QuoteHandle,
        tenor: Period,
        calendar: Calendar,
        fixedFrequency: int,
        fixedConvention: int,
        fixedDayCount: DayCounter,
        index: IborIndex,
        spread: QuoteHandle,
        fwdStart: Period,
        discountingCurve: YieldTermStructureHandle,
        settlementDays: int,
        pillar: int,
        customPillarDate: Date,
        endOfMonth: bool,
        withIndexedCoupons: bool,
        /,
    ) -> None: ...

class FxSwapRateHelper(RateHelper):
    def __init__(
        self,
        fwdPoint: QuoteHandle,
        spotFx: QuoteHandle,
        tenor: Period,
        fixingDays: int,
        calendar: Calendar,
        convention: int,
        endOfMonth: bool,
        isFxBaseCurrencyCollateralCurrency: bool,
        collateralCurve: YieldTermStructureHandle,
        tradingCalendar: Calendar = ...,
        /,
    ) -> None: ...

class IterativeBootstrap:
    def __init__(self, accuracy: float = ..., /) -> None: ...

class PiecewiseLogLinearDiscount(YieldTermStructure):
    def __init__(
        self,
        referenceDate: Date,
        instruments: Sequence[RateHelper],
        dayCounter: DayCounter,
        bootstrap: IterativeBootstrap,
        /,
    ) -> None: ...
    def nodes(self) -> Sequence[tuple[Date, float]]: ...
    def enableExtrapolation(self) -> None: ...

class Matrix:
    def __init__(self, rows: int, columns: int, fill: float = 0.0, /) -> None: ...
    def __getitem__(self, row: int, /) -> MatrixRow: ...

class MatrixRow:
    def __setitem__(self, column: int, value: float, /) -> None: ...

class BlackVarianceSurface:
    ConstantExtrapolation: ClassVar[int]
    def __init__(
        self,
        referenceDate: Date,
        cal: Calendar,
        dates: Sequence[Date],
        strikes: Sequence[float],
        blackVols: Matrix,
        dayCounter: DayCounter,
        lower: int = ...,
        upper: int = ...,
        /,
    ) -> None: ...
    def blackVariance(self, d: Date, strike: float, extrapolate: bool = False, /) -> float: ...
    def enableExtrapolation(self) -> None: ...

class PricingEngine: ...

class DiscountingBondEngine(PricingEngine):
    def __init__(self, discountCurve: YieldTermStructureHandle, /) -> None: ...

class FixedRateBond:
    def __init__(
        self,
        settlementDays: int,
        faceAmount: float,
        schedule: Schedule,
        coupons: Sequence[float],
        paymentDayCounter: DayCounter,
        /,
    ) -> None: ...
    def setPricingEngine(self, engine: PricingEngine, /) -> None: ...
    def NPV(self) -> float: ...

class Quote:
    def value(self) -> float: ...

class SimpleQuote(Quote):
    def __init__(self, value: float, /) -> None: ...
    def setValue(self, value: float, /) -> float: ...

class QuoteHandle:
    @overload
    def __init__(self) -> None: ...
    @overload
    def __init__(self, p: Quote, registerAsObserver: bool = True, /) -> None: ...
    def value(self) -> float: ...

class Rounding:
    def __init__(self) -> None: ...

class Currency:
    @overload
    def __init__(self) -> None: ...
    @overload
    def __init__(
        self,
        name: str,
        code: str,
        numericCode: int,
        symbol: str,
        fractionSymbol: str,
        fractionsPerUnit: int,
        rounding: Rounding,
        triangulationCurrency: Currency = ...,
        /,
    ) -> None: ...
    def code(self) -> str: ...

class CNYCurrency(Currency):
    def __init__(self) -> None: ...

class EURCurrency(Currency):
    def __init__(self) -> None: ...

class USDCurrency(Currency):
    def __init__(self) -> None: ...

class DiscountingFxForwardEngine(PricingEngine):
    def __init__(
        self,
        sourceCurrencyDiscountCurve: YieldTermStructureHandle,
        targetCurrencyDiscountCurve: YieldTermStructureHandle,
        spotFx: QuoteHandle,
        /,
    ) -> None: ...

class FxForward:
    @overload
    def __init__(
        self,
        sourceNominal: float,
        sourceCurrency: Currency,
        targetNominal: float,
        targetCurrency: Currency,
        maturityDate: Date,
        paySourceCurrency: bool,
        settlementDays: int = 2,
        paymentCalendar: Calendar = ...,
        /,
    ) -> None: ...
    @overload
    def __init__(
        self,
        sourceNominal: float,
        sourceCurrency: Currency,
        targetCurrency: Currency,
        forwardRate: float,
        maturityDate: Date,
        paySourceCurrency: bool,
        settlementDays: int = 2,
        paymentCalendar: Calendar = ...,
        /,
    ) -> None: ...
    def setPricingEngine(self, engine: PricingEngine, /) -> None: ...
    def recalculate(self) -> None: ...
    def NPV(self) -> float: ...

class BlackConstantVol:
    def __init__(
        self, referenceDate: Date, c: Calendar, volatility: QuoteHandle, dayCounter: DayCounter, /
    ) -> None: ...

class BlackVolTermStructureHandle:
    def __init__(self, p: BlackConstantVol, registerAsObserver: bool = True, /) -> None: ...

class BlackProcess:
    def __init__(
        self, s0: QuoteHandle, riskFreeTS: YieldTermStructureHandle, volTS: BlackVolTermStructureHandle, /
    ) -> None: ...

class Option:
    Call: ClassVar[int]
    Put: ClassVar[int]

class PlainVanillaPayoff:
    def __init__(self, type: int, strike: float, /) -> None: ...

class AmericanExercise:
    def __init__(self, earliestDate: Date, latestDate: Date, payoffAtExpiry: bool = False, /) -> None: ...

class QdFpIterationScheme: ...

class QdFpAmericanEngine:
    def __init__(self, process: BlackProcess, iterationScheme: QdFpIterationScheme = ..., /) -> None: ...
    @staticmethod
    def fastScheme() -> QdFpIterationScheme: ...

class EuropeanExercise:
    def __init__(self, date: Date, /) -> None: ...

class AnalyticEuropeanEngine:
    def __init__(self, process: BlackProcess, /) -> None: ...

class VanillaOption:
    def __init__(self, payoff: PlainVanillaPayoff, exercise: AmericanExercise | EuropeanExercise, /) -> None: ...
    def setPricingEngine(self, engine: QdFpAmericanEngine | AnalyticEuropeanEngine, /) -> None: ...
    def NPV(self) -> float: ...

class BlackCalculator:
    def __init__(self, payoff: PlainVanillaPayoff, forward: float, stdDev: float, discount: float = 1.0, /) -> None: ...
    def value(self) -> float: ...
    def deltaForward(self) -> float: ...
    def gammaForward(self) -> float: ...
    def vega(self, maturity: float, /) -> float: ...
    def theta(self, spot: float, maturity: float, /) -> float: ...

class Average:
    Arithmetic: ClassVar[int]
    Geometric: ClassVar[int]

class AnalyticDiscreteGeometricAveragePriceAsianEngine:
    def __init__(self, process: BlackProcess, /) -> None: ...

class DiscreteAveragingAsianOption:
    def __init__(
        self,
        averageType: int,
        runningAccumulator: float,
        pastFixings: int,
        fixingDates: Sequence[Date],
        payoff: PlainVanillaPayoff,
        exercise: EuropeanExercise,
        /,
    ) -> None: ...
    def setPricingEngine(self, engine: AnalyticDiscreteGeometricAveragePriceAsianEngine, /) -> None: ...
    def NPV(self) -> float: ...

class Array:
    def __init__(self, values: Sequence[float], /) -> None: ...

class AverageBasketPayoff:
    def __init__(self, payoff: PlainVanillaPayoff, weights: Array, /) -> None: ...

class ChoiBasketEngine:
    def __init__(self, processes: Sequence[BlackProcess], correlation: Matrix, lambda_: float = ..., /) -> None: ...

class BasketOption:
    def __init__(self, payoff: AverageBasketPayoff, exercise: EuropeanExercise, /) -> None: ...
    def setPricingEngine(self, engine: ChoiBasketEngine, /) -> None: ...
    def NPV(self) -> float: ...

class CashFlow:
    def date(self) -> Date: ...
    def amount(self) -> float: ...

def IborLeg(
    nominals: Sequence[float],
    schedule: Schedule,
    index: IborIndex,
    paymentDayCounter: DayCounter = ...,
    *,
    spreads: Sequence[float] = ...,
) -> tuple[CashFlow, ...]: ...
def blackFormula(optionType: int, strike: float, forward: float, stdDev: float, discount: float = 1.0, /) -> float: ...
def blackFormulaImpliedStdDev(
    optionType: int,
    strike: float,
    forward: float,
    blackPrice: float,
    discount: float = 1.0,
    displacement: float = 0.0,
    guess: float = ...,
    accuracy: float = 1.0e-6,
    maxIterations: int = 100,
    /,
) -> float: ...
