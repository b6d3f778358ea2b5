"""Counts: knows no name and no address."""
