"""Figures as ratios to a peer measured in the same process and run: `python -m benchmarks NAME`."""
