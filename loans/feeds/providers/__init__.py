"""The port to providers of tax and power data, its HTTP adapter, and a simulator with faults."""
