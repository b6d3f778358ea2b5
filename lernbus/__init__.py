"""The command line of Lernbus, and the embedded stack that it starts."""
