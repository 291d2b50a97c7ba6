"""The trades of the carbon market: the terms of each, and its value by closed form on given arrays."""
