"""Database tools, parties, the rulebook at rest, decisions and messages."""
