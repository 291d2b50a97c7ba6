"""Sets of roles by what they have in common, as the policy names them."""

from carbonfin.kernel.actors import Role

SYSTEM, OFFICER, CHECKER, RISK = Role.SYSTEM, Role.OFFICER, Role.CHECKER, Role.RISK
BUREAU, AUDITOR, ADMINISTRATOR, OPERATOR = Role.BUREAU, Role.AUDITOR, Role.ADMINISTRATOR, Role.OPERATOR
EVERYONE = frozenset(Role)
PEOPLE = EVERYONE - {SYSTEM}
DECISION_READERS = frozenset({SYSTEM, OFFICER, CHECKER, RISK, BUREAU, AUDITOR})
ADMINISTRATORS = frozenset({ADMINISTRATOR})
OPERATORS = frozenset({OPERATOR})
BANK_READERS = frozenset({SYSTEM, OFFICER, CHECKER, RISK, AUDITOR})
BANK_MAKERS = frozenset({SYSTEM, OFFICER})
STRESS_MAKERS = frozenset({SYSTEM, OFFICER, RISK})
BENCHMARK_MAKERS = frozenset({SYSTEM, RISK})
"""Who freezes the peers that ratings stand on: not who lends by them."""
REPORT_READERS = frozenset({SYSTEM, OFFICER, CHECKER, BUREAU, AUDITOR})
BUREAU_MAKERS = frozenset({BUREAU})
BUREAU_READERS = frozenset({BUREAU, AUDITOR})
APPROVAL_READERS = FILE_READERS = RULE_READERS = DECISION_READERS | ADMINISTRATORS
APPROVAL_MAKERS = APPROVAL_DECIDERS = FILE_MAKERS = APPROVAL_READERS - {AUDITOR}
MESSAGE_READERS = frozenset({ADMINISTRATOR, AUDITOR})
FILE_ERASERS = frozenset({OFFICER, RISK, BUREAU, ADMINISTRATOR})
"""Who may propose an erasure; another person approves it."""
EXTERNAL_ID_MAKERS = frozenset({SYSTEM, OFFICER, ADMINISTRATOR})
PARAMETER_READERS = APPROVAL_READERS - {SYSTEM}
REGISTER_READERS = DECISION_READERS - {SYSTEM}
RULE_MAKERS = frozenset({OFFICER, CHECKER, RISK, BUREAU})
"""Who may propose a table; another person approves it. A system brings none: rules are made by people."""
BANK_RULE_MAKERS = RULE_MAKERS - {BUREAU}
PARTY_READERS = BANK_READERS | ADMINISTRATORS
PARTY_MAKERS = frozenset({SYSTEM, OFFICER, ADMINISTRATOR})
JOB_READERS = frozenset({SYSTEM, OFFICER, CHECKER, RISK, AUDITOR, ADMINISTRATOR})
JOB_ASKERS = frozenset({SYSTEM, CHECKER, ADMINISTRATOR})
"""Closing the day binds the whole bank: not an officer, whose own loans are valued by it, nor who only watches."""
