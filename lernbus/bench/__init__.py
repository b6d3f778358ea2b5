"""The benchmark: enrolment and stats against loops that do less. Only ratios count; docs/benchmark.md has figures."""
