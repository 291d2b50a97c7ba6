"""Options on futures and forwards, priced on arrays."""
