"""`carbonfin demo`: the main job on the sample world, step by step through the services everyone calls.

Every step finds what an earlier run has left and leaves it as it is, so a second run changes nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from carbonfin.app.demo import agreements, lending, market, people, rules, subsidies
from carbonfin.app.demo.world import SampleWorld, sample_world
from carbonfin.app.jobs.end_of_day import run_end_of_day
from carbonfin.app.settings import Settings
from carbonfin.app.tables import all_tables
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.parties import Party
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.parties import DayState, load_organization, roll_business_date
from carbonfin.storage.schema import upgrade
from collateral import jobs as collateral_jobs
from collateral import service as collateral_service
from collateral.registries.access import RegistryAccess, registry_secret
from collateral.registries.http import http_registry
from collateral.registries.port import Registry
from collateral.registries.simulated import Fault, PlannedFault
from collateral.registries.simulator import running_simulator
from loans import service as loan_service
from loans.service.term_sheets import StoredTermSheet
from pricing.calc.quality import QualityReport
from pricing.service import Valuation, import_builtin_market
from reporting.calc.reports import SubsidyReport

REGISTRY_TIMEOUT_SECONDS = 3.0
PROCESSING_FOR_EVER = 1_000_000
FROZEN_OVER_HTTP = "P1"
REFUSED = "P5"
STEP_COUNT = 9
TAKEN_OVER = ("P0", "P2", "P3")
WITH_NOTES = ("P0", "P1", "P2", "P3")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOutcome:
    """What the run leaves to look at."""

    world: SampleWorld
    maker: Actor
    bureau: Actor
    parties: dict[str, Party]
    api_key: str
    quality: tuple[QualityReport, ...]
    valuation: Valuation
    term_sheet: StoredTermSheet
    report: SubsidyReport


class Demo:
    """One run over one database."""

    def __init__(self, settings: Settings, *, clock: Clock, var_folder: Path, on_step: Callable[[str], None]) -> None:
        self._settings = settings
        self._clock = clock
        self._var_folder = var_folder
        self._on_step = on_step
        self._world = sample_world()
        self._sessions = Sessions(open_engine(settings.database_url))
        self._pledges = {pledge.code: pledge for pledge in self._world.pledge}
        (self._unknown_freeze,) = (pledge.code for pledge in self._world.pledge if pledge.reply_lost)

    def run(self) -> DemoOutcome:
        """Do the main job and give what there is to look at."""
        self._on_step("升级数据库，建立示例机构、人员与企业")
        actors, parties, api_key = self._make_world()
        maker, checker = actors["maker"], actors["checker"]
        self._on_step("导入真实行情、LPR、排放因子与节假日，检查行情质量")
        quality = self._import_market(maker)
        self._on_step("经登记机构冻结质押，接管存量质押与回购")
        self._make_agreements(maker, checker, parties)
        self._on_step("企业碳评级、降碳贷定价、还款计划与贷款条款清单")
        with self._sessions.within(maker).begin() as session:
            lending.record_accounts(session, self._world, maker, parties)
            term_sheet = lending.draft_loan(session, self._world, maker, parties[self._world.loan.borrower])
        self._on_step("估值：现货、场外远期与期货式合约")
        with self._sessions.within(maker).begin() as session:
            valuation = market.value_sample_portfolio(session, self._world, maker)
        self._on_step("日终：计提、敞口、重估、覆盖率、追加担保通知")
        run_end_of_day(
            self._sessions.within(maker),
            maker,
            clock=self._clock,
            signer=self._settings.signing.signer(),
            business_date=self._world.business_date,
            on_step=None,
        )
        self._on_step("贴息资格与市级报表")
        with self._sessions.within(maker).begin() as session:
            subsidies.file_applications(session, self._world, maker)
        with self._sessions.within(actors["bureau"]).begin() as session:
            report = subsidies.build_report(session, self._world, actors["bureau"])
        return DemoOutcome(
            world=self._world,
            maker=maker,
            bureau=actors["bureau"],
            parties=parties,
            api_key=api_key,
            quality=quality,
            valuation=valuation,
            term_sheet=term_sheet,
            report=report,
        )

    @property
    def sessions(self) -> Sessions:
        """The database of the run."""
        return self._sessions

    def _make_world(self) -> tuple[dict[str, Actor], dict[str, Party], str]:
        all_tables()
        upgrade(self._sessions.engine)
        with self._sessions.as_operator().begin() as session:
            import_builtin_calendars(session)
            actors = people.make_people(session, self._world, starts_on=self._first_day)
            maker, checker = actors["maker"], actors["checker"]
            api_key = people.make_key(
                session,
                self._world,
                organization_id=maker.organization_id,
                pepper=self._settings.secret,
                file=self._var_folder / people.KEY_FILE,
            )
            people.make_parameters(session, self._world, maker=maker, checker=checker, at=self._clock.now())
            rules.make_tables(session, maker=maker, checker=checker)
            parties = people.make_parties(session, self._world, maker)
        return actors, parties, api_key

    @property
    def _first_day(self) -> date:
        """The day the sample bank's history begins: the drawdown of the pledge that is frozen over HTTP."""
        drawn = self._pledges[FROZEN_OVER_HTTP].drawn
        assert drawn is not None
        return drawn

    def _import_market(self, maker: Actor) -> tuple[QualityReport, ...]:
        with self._sessions.as_operator().begin() as session:
            import_builtin_market(session)
        with self._sessions.within(maker).begin() as session:
            market.import_samples(session, maker)
            return tuple(market.check_quotes(session, self._world, maker))

    def _make_agreements(self, maker: Actor, checker: Actor, parties: dict[str, Party]) -> None:
        with self._registry() as registry:
            self._freeze_and_draw(maker, checker, parties, registry)
            self._roll_to_business_date(maker)
            self._take_over(maker, checker, parties)
            collateral_jobs.dispatch_registry_messages(self._sessions.within(maker), maker, registry, clock=self._clock)
            collateral_jobs.query_open_requests(self._sessions.within(maker), maker, registry, clock=self._clock)

    @contextmanager
    def _registry(self) -> Iterator[Registry]:
        """Run the registry simulator over HTTP; it loses one reply and then says that the request is in process."""
        faults = (
            PlannedFault(agreement_code=self._unknown_freeze, operation="freeze", fault=Fault.LOSE_REPLY, times=1),
            PlannedFault(
                agreement_code=self._unknown_freeze,
                operation="query",
                fault=Fault.PROCESSING,
                times=PROCESSING_FOR_EVER,
            ),
        )
        file, secret = self._var_folder / "registry.json", registry_secret(folder=self._var_folder)
        with running_simulator(secret=secret, clock=self._clock, faults=faults, file=file) as server:
            access = RegistryAccess(
                address=server.address, secret=secret, timeout_seconds=REGISTRY_TIMEOUT_SECONDS
            )  # fmt: skip
            with http_registry(access, clock=self._clock) as registry:
                yield registry

    def _freeze_and_draw(self, maker: Actor, checker: Actor, parties: dict[str, Party], registry: Registry) -> None:
        """Appraise, reserve, freeze over HTTP and draw one pledge, on the day it was drawn."""
        pledge = self._pledges[FROZEN_OVER_HTTP]
        with self._sessions.within(maker).begin() as session:
            if collateral_service.pledge_by_code(session, maker, pledge.code) is not None:
                return
            standing = collateral_service.standing_on(session, maker, self._first_day)
            agreements.record_holdings(session, self._world, maker, parties, standing=standing)
            frozen = agreements.apply_and_freeze(
                session, pledge, parties, maker=maker, checker=checker, standing=standing
            )
        collateral_jobs.dispatch_registry_messages(self._sessions.within(maker), maker, registry, clock=self._clock)
        with self._sessions.within(maker).begin() as session:
            standing = collateral_service.standing_on(session, maker, self._first_day)
            drawdown = collateral_service.PledgeStep(name="draw")
            agreements.take_agreed_step(
                session, frozen.id, drawdown, maker=maker, checker=checker, standing=standing
            )  # fmt: skip

    def _roll_to_business_date(self, maker: Actor) -> None:
        with self._sessions.within(maker).begin() as session:
            bank = load_organization(session, maker.organization_id)
            if bank.business_date < self._world.business_date:
                roll_business_date(
                    session,
                    bank.id,
                    expected=bank.business_date,
                    to=self._world.business_date,
                    state=DayState.OPEN,
                )

    def _take_over(self, maker: Actor, checker: Actor, parties: dict[str, Party]) -> None:
        """Enter the pledges that ran before, the repo, the notes behind them, and the two applications of the day."""
        with self._sessions.within(maker).begin() as session:
            applied = {pledge.code for pledge in collateral_service.pledges_of(session, maker)}
            noted = {note.pledge_code for note in loan_service.notes_of(session, maker)}
            standing = collateral_service.standing_on(session, maker, self._world.business_date)
            for code in TAKEN_OVER:
                agreements.take_over(
                    session, self._pledges[code], parties, maker=maker, checker=checker, standing=standing
                )
            agreements.open_sample_repo(session, self._world.repo, parties, maker=maker, standing=standing)
            for code in WITH_NOTES:
                if code not in noted:
                    lending.record_note(session, maker, self._pledges[code], parties[self._pledges[code].pledgor])
                    lending.record_payments(session, maker, self._pledges[code])
            if self._unknown_freeze not in applied:
                agreements.apply_and_freeze(
                    session,
                    self._pledges[self._unknown_freeze],
                    parties,
                    maker=maker,
                    checker=checker,
                    standing=standing,
                )
            if REFUSED not in applied:
                agreements.apply_and_be_refused(
                    session,
                    self._pledges[REFUSED],
                    parties,
                    maker=maker,
                    standing=standing,
                    extends=FROZEN_OVER_HTTP,
                )
