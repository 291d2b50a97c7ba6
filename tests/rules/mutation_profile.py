"""Hypothesis for the mutation check, a plugin of pytest: the same examples each time, and none made smaller.

`make mutation` names it. A mutant is killed by the first example that fails; to find the smallest one takes seconds.
"""

from hypothesis import Phase, settings

settings.register_profile(
    "mutation", deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("mutation")
