"""The port to exchange and registration systems, its HTTP adapter, and a simulator with faults."""
