"""Optimal allocation: the cheapest use of lots that meets every obligation, in whole tonnes, with its reasons."""
