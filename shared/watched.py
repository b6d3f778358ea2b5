"""A file that may change while it is in use."""

import os
from collections.abc import Callable, Sized
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from shared.credentials import BadFileError

T = TypeVar("T", bound=Sized)
log = structlog.get_logger()


class Watched(Generic[T]):
    """The content of a file, read again when it has changed; while it cannot be used, the old content is in force."""

    def __init__(self, path: Path, parse: Callable[[str], T]) -> None:
        self._path, self._parse = path, parse
        self._seen = self._state()
        self._content = self._read()

    def content(self) -> T:
        """What is in force now."""
        state = self._state()
        if state != self._seen:
            self._seen = state
            try:
                self._content = self._read()
            except BadFileError as error:
                log.error("changed and unusable, what was in force stays", file=str(self._path), why=str(error))  # noqa: TRY400 - its stack says nothing
            else:
                log.info("read again", file=str(self._path), entries=len(self._content))
        return self._content

    def _state(self) -> tuple[int, ...] | None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - once per request
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> T:
        try:
            return self._parse(self._path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadFileError(f"cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise BadFileError("is not UTF-8") from error
