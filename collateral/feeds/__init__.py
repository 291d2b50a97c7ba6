"""Files that people bring to collateral."""
