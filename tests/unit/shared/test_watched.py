from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shared.credentials import BadFileError, parse_keys, source_of
from shared.watched import Watched
from tests.unit.shared.test_credentials import line


def test_a_changed_file_is_read_again_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(line("lms", "old"))
    watched = Watched(path, parse_keys)
    path.write_text("\n".join([line("lms", "old"), line("lms", "new")]))
    assert [source_of(key, watched.content()) for key in (b"old", b"new")] == ["lms", "lms"]
    other = tmp_path / "other"
    other.write_text(line("lms", "new"))
    other.rename(path)
    assert [source_of(key, watched.content()) for key in (b"old", b"new")] == [None, "lms"]


@pytest.mark.parametrize("content", [None, b"", b"nonsense s3cret", b"\xff\xfe"])
def test_a_file_that_becomes_unusable_leaves_the_old_keys_and_one_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "keys"
    path.write_text(line("lms", "old"))
    watched = Watched(path, parse_keys)
    path.unlink() if content is None else path.write_bytes(content)
    with capture_logs() as logs:
        assert [source_of(b"old", watched.content()) for _ in range(3)] == ["lms"] * 3
    assert [(one["log_level"], one["file"]) for one in logs] == [("error", str(path))]
    assert "s3cret" not in str(logs)
    path.write_text(line("lms", "new"))
    assert [source_of(key, watched.content()) for key in (b"old", b"new")] == [None, "lms"]


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"\xff\xfe"])
def test_a_file_that_is_unusable_from_the_beginning_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadFileError):
        Watched(path, parse_keys)
