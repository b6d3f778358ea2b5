"""A whole stack on one machine with nothing to install: real servers from PyPI wheels, for trying out and testing."""
