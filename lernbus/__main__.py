"""Where `lernbus` begins: `health`, which containers call all the time, does without the command line's libraries."""

# ruff: noqa: PLC0415 - see above

import sys


def main() -> None:
    """Run a command."""
    if sys.argv[1:] in (["health"], ["health", "--ready"]):
        from lernbus.health import check

        sys.exit(check(ready="--ready" in sys.argv))
    from lernbus.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
