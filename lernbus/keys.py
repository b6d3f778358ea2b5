"""Makes senders' keys and office users: `lernbus key new`, `lernbus user new`. Nothing is stored, lines are printed."""

import hashlib
import secrets
import sys
from typing import Annotated, Final

import typer

from lernbus.errors import CommandError
from shared.credentials import NAME, SOURCE

PREFIX: Final = "lernbus_"
"""By which a key is recognised where it should not be: in a log, in a repository."""
SHORTEST: Final = 8

key = typer.Typer(no_args_is_help=True)
user = typer.Typer(no_args_is_help=True)


@key.callback()
def _keys() -> None:
    """Keys for those who send events."""


@user.callback()
def _users() -> None:
    """Users of the training office's pages."""


@key.command("new")
def new_key(
    source: Annotated[str, typer.Argument(help="The CloudEvents source that it may send for; '*' is the operator's.")],
) -> None:
    """Make a key: prints it (this once) and the line for the file that LERNBUS_KEYS names."""
    if not SOURCE.fullmatch(source) or source != source.strip() or source.startswith("#"):
        raise CommandError("a source has 1 to 200 characters, no control characters, and no # at its beginning")
    made = PREFIX + secrets.token_urlsafe(32)
    typer.echo("the key, shown this once, and the line for the file of LERNBUS_KEYS:", err=True)
    typer.echo(made)
    typer.echo(f"{source}: {hashlib.sha256(made.encode()).hexdigest()}")


@user.command("new")
def new_user(name: Annotated[str, typer.Argument(help="The name to log in with.")]) -> None:
    """Ask for a password (twice; from standard input without a terminal), print the line for LERNBUS_USERS."""
    from shared.passwords import HASHER  # noqa: PLC0415 - other commands need no argon2

    if not NAME.fullmatch(name) or name != name.strip() or name.startswith("#"):
        raise CommandError("a name has 1 to 200 characters, no colon, and no # at its beginning")
    password = _asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if len(password) < SHORTEST:
        raise CommandError(f"a password has {SHORTEST} characters at least")
    typer.echo("the line for the file of LERNBUS_USERS:", err=True)
    typer.echo(f"{name}: {HASHER.hash(password)}")


def _asked() -> str:
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer
