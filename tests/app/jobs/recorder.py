"""Steps of a day that note when they ran, fail on demand and can be waited for."""

import threading
from collections.abc import Callable
from datetime import date

from sqlmodel import Session

from carbonfin.app.jobs.end_of_day import Means, Step
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CalculationFailed
from carbonfin.storage.jobs import JobOutcome
from carbonfin.web.language import Text

NOT_DONE = Failure(item="P9", field=None, detail="no quote", zh="缺少报价")


class Recorder:
    """What ran, in order, and what is to happen instead."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.failing: str | None = None
        self.faulty: str | None = None
        self.began = threading.Event()
        self.during: Callable[[str], None] = lambda _: None

    def steps(self, names: str = "abc") -> tuple[Step, ...]:
        """Give a step for each letter."""
        return tuple(self._step(name) for name in names)

    def _step(self, name: str) -> Step:
        def work(session: Session, _: Actor, day: date, __: Means) -> JobOutcome:
            assert session.in_transaction()
            if name == self.failing:
                raise CalculationFailed(f"{name} failed", zh=f"{name} 失败")
            if name == self.faulty:
                message = "客户甲"
                raise ZeroDivisionError(message)
            self.ran.append(f"{name} {day}")
            self.began.set()
            self.during(name)
            return JobOutcome(done_count=2, failures=(NOT_DONE,) if name == "b" else ())

        return Step(name=name, text=Text(f"{name} 步", f"step {name}"), work=work)
