"""Bounded benchmarks, each beside its peer: `make bench`."""
