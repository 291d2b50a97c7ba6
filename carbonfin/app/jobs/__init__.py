"""Jobs: the end of the business day and its parts, the worker that carries them out, and where people see them."""

from carbonfin.app.jobs.end_of_day import END_OF_DAY, Step, roll_to_next_open_day, run_end_of_day, run_step, steps_for

__all__ = ["END_OF_DAY", "Step", "roll_to_next_open_day", "run_end_of_day", "run_step", "steps_for"]
