"""The data directory of one run: removed when it stops, and by the next run when it could not stop."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "lernbus-"


@contextlib.contextmanager
def data_directory() -> Iterator[Path]:
    """A new temporary directory, ours for as long as we hold its lock. Leftovers of killed runs are removed first.

    The lock, not the process id in the name, tells who is alive: ids are given again, and locks of the dead are gone.
    """
    _remove_leftovers(Path(tempfile.gettempdir()))
    path, lock = _new()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _new() -> tuple[Path, int]:
    while True:  # a run that starts at this moment may take what is not locked yet for a leftover
        path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        if (lock := _lock(path)) is not None and path.is_dir():
            return path, lock


def _remove_leftovers(place: Path) -> None:
    for path in place.glob(f"{PREFIX}*"):
        if (lock := _lock(path)) is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _lock(path: Path) -> int | None:
    """A locked descriptor of a directory of ours, or None where another process holds it or it is not ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_uid == os.geteuid():
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None
