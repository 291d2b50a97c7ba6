"""Administration: people, roles, keys, organisations, security log, settings in force, numbers of other systems."""
