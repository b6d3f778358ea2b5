from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from shared.settings import Settings


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LERNBUS_SECRETS", str(tmp_path))
    return tmp_path


def test_a_secret_file_gives_a_setting(secrets: Path) -> None:
    (secrets / "lernbus_mongo").write_text("mongodb://u:p@db/\n")
    assert Settings().mongo.get_secret_value() == "mongodb://u:p@db/"


def test_the_environment_wins_over_a_file(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "lernbus_kafka").write_text("file:9092")
    monkeypatch.setenv("LERNBUS_KAFKA", "environment:9092")
    assert Settings().kafka == "environment:9092"


def test_a_file_that_stands_for_nothing_is_passed_over(secrets: Path) -> None:
    (secrets / "someone_elses").write_text("")
    assert Settings().kafka == "127.0.0.1:9092"


def test_an_empty_file_is_an_error(secrets: Path) -> None:
    (secrets / "lernbus_mongo").write_text("\n")
    with pytest.raises(SettingsError, match="secret file lernbus_mongo is empty"):
        Settings()


def test_a_file_that_cannot_be_read_is_an_error(secrets: Path) -> None:
    (secrets / "lernbus_mongo").mkdir()  # whoever may read everything cannot read this either
    with pytest.raises(SettingsError, match=r"lernbus_mongo"):
        Settings()


def test_bytes_that_are_no_text_are_an_error(secrets: Path) -> None:
    (secrets / "lernbus_mongo").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=r"mongo.* can't decode"):
        Settings()


def test_a_directory_that_is_named_must_be_there(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LERNBUS_SECRETS", str(secrets / "missing"))
    with pytest.raises(SettingsError, match="missing"):
        Settings()


def test_a_zone_that_does_not_exist_is_refused() -> None:
    for name in ("Europe/Nowhere", "../etc/passwd"):
        with pytest.raises(ValidationError, match="there is no time zone"):
            Settings(time_zone=name)
