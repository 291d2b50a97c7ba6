"""Stress of the whole collateral book: who is called, who fails, what is lost after haircut."""
