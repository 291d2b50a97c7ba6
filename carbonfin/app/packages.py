"""The four packages as the application opens them: their API, pages and templates, and the tables they read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from litestar.types import ControllerRouterHandler
from sqlmodel import Session

import collateral.api
import collateral.pages
import collateral.service
import loans.api
import loans.pages
import loans.service
import pricing.api
import pricing.pages
import reporting.api
import reporting.pages
import reporting.service
from carbonfin.kernel.actors import Actor
from carbonfin.rules.contracts import TableContract
from carbonfin.rules.live_impact import LiveImpact
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.rulebook import builtin_tables
from carbonfin.web.readings import ValueReading
from collateral.calc.haircuts import HAIRCUT_TABLE
from loans.calc.jiangtandai import CONCESSION_TABLE, POINTS_TABLE
from reporting.calc.eligibility_table import SUBSIDY_TABLE

TableImpact = Callable[[Session, Actor, TableVersion], LiveImpact | None]
ParameterTrial = Callable[[Session, Actor, ParameterValue], LiveImpact | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What a package puts behind the door.

    Attributes:
        tables: What its decisions expect of the decision tables they read.
        impacts: What a draft of a table would do to everything that stands, by the table's name.
        parameter_impacts: The same of a parameter; None where nothing of the package reads it.
        readings: How a long value of a parameter is read, by its key.
    """

    name: str
    api: tuple[ControllerRouterHandler, ...]
    pages: tuple[ControllerRouterHandler, ...]
    templates: Path
    tables: tuple[TableContract, ...] = ()
    impacts: Mapping[str, TableImpact] = field(default_factory=dict)
    parameter_impacts: tuple[ParameterTrial, ...] = ()
    readings: Mapping[str, ValueReading] = field(default_factory=dict)


def _templates(module_file: str | None, name: str) -> Path:
    assert module_file is not None, f"{name} is a package of files"
    return next(parent for parent in Path(module_file).parents if parent.name == name) / "templates"


PACKAGES: tuple[Package, ...] = (
    Package(
        name="pricing",
        api=tuple(pricing.api.routes),
        pages=tuple(pricing.pages.routes),
        templates=_templates(pricing.api.__file__, "pricing"),
    ),
    Package(
        name="collateral",
        api=tuple(collateral.api.routes),
        pages=tuple(collateral.pages.routes),
        templates=_templates(collateral.api.__file__, "collateral"),
        tables=(HAIRCUT_TABLE,),
        impacts={HAIRCUT_TABLE.name: collateral.service.collateral_impact},
        parameter_impacts=(collateral.service.collateral_impact,),
        readings=collateral.pages.VALUE_READINGS,
    ),
    Package(
        name="loans",
        api=tuple(loans.api.routes),
        pages=tuple(loans.pages.routes),
        templates=_templates(loans.api.__file__, "loans"),
        tables=(CONCESSION_TABLE, POINTS_TABLE),
        impacts=dict.fromkeys((CONCESSION_TABLE.name, POINTS_TABLE.name), loans.service.rate_impact),
        parameter_impacts=(loans.service.rate_impact,),
    ),
    Package(
        name="reporting",
        api=tuple(reporting.api.routes),
        pages=tuple(reporting.pages.routes),
        templates=_templates(reporting.api.__file__, "reporting"),
        tables=(SUBSIDY_TABLE,),
        impacts={SUBSIDY_TABLE.name: reporting.service.subsidy_impact},
        parameter_impacts=(reporting.service.subsidy_impact,),
    ),
)

TABLE_CONTRACTS: tuple[TableContract, ...] = tuple(contract for package in PACKAGES for contract in package.tables)
"""What decisions expect of the tables they read."""
BUILTIN_TABLES: tuple[TableVersion, ...] = builtin_tables(*(package.name for package in PACKAGES))
"""Decision tables that come with the product."""
TABLE_IMPACTS: Mapping[str, TableImpact] = {
    name: impact for package in PACKAGES for name, impact in package.impacts.items()
}
"""What a draft would do to everything that stands, by the name of the table."""
PARAMETER_IMPACTS: tuple[ParameterTrial, ...] = tuple(
    impact for package in PACKAGES for impact in package.parameter_impacts
)
"""What a draft of a parameter would do to everything of a kind that stands."""
PARAMETER_READINGS: Mapping[str, ValueReading] = {
    key: reading for package in PACKAGES for key, reading in package.readings.items()
}
"""How a long value of a parameter is read, by its key."""
