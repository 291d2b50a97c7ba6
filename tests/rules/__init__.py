"""Tests of parameters, traces and decision records."""
