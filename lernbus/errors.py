"""What a command can expect to go wrong."""


class CommandError(Exception):
    """The message is one line for the person at the terminal; the exit code is 2."""
