"""Large books as columns: positions in buckets, value, sensitivities and explained profit on whole arrays."""
