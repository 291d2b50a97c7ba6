"""Curves of one valuation date: values in, plain nodes out; QuantLib builds and leaves nothing behind."""
