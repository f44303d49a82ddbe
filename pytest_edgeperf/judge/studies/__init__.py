"""Benchmarks read together: series, lines, ratios, shares and fronts."""
