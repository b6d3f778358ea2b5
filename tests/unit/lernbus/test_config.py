import io
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from rich.console import Console

from lernbus.config import SETTINGS, Setting, check, load, settings_in, shown, unknown
from lernbus.errors import CommandError
from services.enrolment.settings import Settings as Enrolment
from services.notifications.settings import Settings as Notifications
from shared.settings import Settings

EVERY = [(service, one) for service, kind in SETTINGS.items() for one in settings_in(kind)]

KAFKA_USER = {"kafka_username": "u", "kafka_password": "p"}
LINKS = {"links_key": "k" * 32, "public_url": "https://lernbus.city.example"}
MAIL: dict[str, Any] = {"mail_from": "f@city.example", **LINKS}


@pytest.fixture(autouse=True)
def _no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in os.environ if one.startswith("LERNBUS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LERNBUS_SECRETS", str(tmp_path))


def printed(service: str) -> tuple[bool, list[list[str]]]:
    out = io.StringIO()
    safe = check(service, Console(file=out, width=20))
    return safe, [line.split() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(("service", "setting"), EVERY, ids=lambda one: getattr(one, "variable", one))
def test_every_setting_is_described(service: str, setting: Setting) -> None:
    assert setting.field.description, f"{setting.variable} of {service}"


def test_every_setting_is_printed_with_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LERNBUS_SMTP_PORT", "587")
    monkeypatch.setenv("LERNBUS_BUDGETS__BATCH", "1")
    (tmp_path / "lernbus_smtp_password").write_text("hush")
    _, lines = printed("notifications")
    assert ["LERNBUS_SMTP_PORT", "environment", "587"] in lines
    assert ["LERNBUS_BUDGETS__BATCH", "environment", "1.0"] in lines
    assert ["LERNBUS_SMTP_PASSWORD", "secret", "file", "***"] in lines
    assert ["LERNBUS_REMINDER_DAYS", "default", "[7,", "1]"] in lines
    assert {one.variable for one in settings_in(Notifications)} <= {line[0] for line in lines}


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("hush", "***"),
        ("mongodb://lernbus:p@ss:w/rd@db:27017/?tls=true", "mongodb://lernbus:***@db:27017/?tls=true"),
        (
            "mongodb://db/?tlsCertificateKeyFilePassword=p&tls=true",
            "mongodb://db/?tlsCertificateKeyFilePassword=***&tls=true",
        ),
    ],
)
def test_secrets_are_masked(secret: str, text: str) -> None:
    assert shown(SecretStr(secret)) == text


def test_a_value_is_printed_as_it_would_be_given() -> None:
    assert [shown(value) for value in ("a", Path("/keys"), 12, (7, 1), None)] == ["a", "/keys", "12", "[7, 1]", ""]


def test_unsafe_settings_are_said_and_make_the_check_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed("stats")[0]
    monkeypatch.setenv("LERNBUS_KAFKA", "kafka:9092")
    safe, lines = printed("stats")
    assert not safe
    assert [line[1] for line in lines if line[0] == "unsafe:"] == ["LERNBUS_KAFKA_SECURITY:", "LERNBUS_KAFKA_USERNAME:"]


def test_a_slip_of_the_pen_is_named_and_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LERNBUS_KAFFKA", "kafka:9092")
    safe, lines = printed("stats")
    assert safe
    assert [line[1] for line in lines if line[0] == "unknown:"] == ["LERNBUS_KAFFKA"]


def test_what_another_service_or_a_command_knows_is_no_slip() -> None:
    names = ["LERNBUS_SMTP_HOST", "LERNBUS_URL", "LERNBUS_BUDGETS__POLL", "lernbus_kafka", "PATH"]
    assert unknown(dict.fromkeys([*names, "LERNBUS_BUDGETS__POL"], "")) == ["LERNBUS_BUDGETS__POL"]


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("LERNBUS_PARTITIONS", "s3cret", "LERNBUS_PARTITIONS: "),
        ("LERNBUS_BUDGETS__BATCH", "s3cret", "LERNBUS_BUDGETS__BATCH: "),
        ("LERNBUS_BUDGETS__BATCH", "6", "transaction_lifetime"),
        ("LERNBUS_REMINDER_DAYS", "s3cret", "LERNBUS_REMINDER_DAYS"),
        ("LERNBUS_MAIL_FROM", "s3cret", "LERNBUS_MAIL_FROM: has no address"),
        ("LERNBUS_MAIL_FROM", "Jürgen <s3cret@@x y>", "LERNBUS_MAIL_FROM: has no address"),
        ("LERNBUS_MAIL_FROM", "", "LERNBUS_MAIL_FROM: has no address"),
    ],
)
def test_a_wrong_value_names_its_variable_and_not_itself(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(CommandError, match=words) as error:
        load(Notifications)
    assert "s3cret" not in str(error.value)


def test_mail_in_the_clear_is_refused_where_it_would_leave_this_machine() -> None:
    with pytest.raises(ValidationError, match="smtp_security"):
        Notifications(smtp_security="none", smtp_host="mail.city.example", **MAIL)
    assert Notifications(smtp_security="none", smtp_host="::1", **MAIL).smtp_security == "none"


@pytest.mark.parametrize("address", ["", "nobody", "a b@c", "x@"])
def test_a_bounce_address_is_one(address: str) -> None:
    with pytest.raises(ValidationError, match="mail_bounce"):
        Notifications(mail_bounce=address, **MAIL)
    assert Notifications(**MAIL).bounces_to == "f@city.example"
    assert Notifications(mail_bounce="b@city.example", **MAIL).bounces_to == "b@city.example"


def test_an_unknown_service_is_refused() -> None:
    with pytest.raises(CommandError, match="there is no service library"):
        printed("library")


def unsafe(kind: type[Settings], **given: Any) -> list[str]:
    return [one.variable.removeprefix("LERNBUS_").lower() for one in kind(**given).unsafe()]


@pytest.mark.parametrize(
    ("kind", "given", "found"),
    [
        (Settings, {}, []),
        (Settings, {"kafka": "[::1]:9092, localhost:9093"}, ["replication"]),
        (Settings, {"kafka": "127.0.0.1:9092,10.0.0.1:9092", "replication": 2}, ["kafka_security", "kafka_username"]),
        (Settings, {"kafka": "broker:9092", "kafka_security": "ssl"}, ["kafka_username"]),
        (Settings, {"kafka": "broker:9092", "kafka_security": "sasl_ssl", **KAFKA_USER}, []),
        (Settings, {"kafka": "broker:9092", "kafka_security": "sasl_plaintext", **KAFKA_USER}, ["kafka_security"]),
        (Settings, {"broker": "embedded"}, ["broker"]),
        (Settings, {"now": "2024-11-14T09:00:00Z"}, ["now"]),
        (Settings, {"mongo": "mongodb://db:27017/"}, ["mongo", "mongo"]),
        (Settings, {"mongo": "mongodb://u:p@db:27017,127.0.0.1:1/"}, ["mongo"]),
        (Settings, {"mongo": "mongodb://db/?tls=true"}, ["mongo"]),
        (Settings, {"mongo": "mongodb://db/?tls=true&authMechanism=MONGODB-X509"}, []),
        (Settings, {"mongo": "mongodb+srv://u:p@db/"}, []),
        (Settings, {"mongo": "mongodb+srv://u:p@db/?tls=false"}, ["mongo"]),
        (Settings, {"mongo": "mongodb://localhost,[::1]/"}, []),
        (Enrolment, {"host": "0.0.0.0"}, ["keys", "users"]),  # noqa: S104 (it is what must be found)
        (Enrolment, {"host": "::", "keys": "k", "users": "u"}, []),
        (Notifications, MAIL, []),
        (Notifications, {}, ["mail_from", "links_key", "public_url"]),
        (Notifications, {**MAIL, "public_url": "http://lernbus.city.example"}, ["public_url"]),
        (Notifications, {**MAIL, "smtp_security": "none"}, []),
        (Notifications, {**MAIL, "smtp_security": "none", "smtp_host": "mailpit"}, ["smtp_security"]),
    ],
)
def test_what_is_unsafe(kind: type[Settings], given: dict[str, Any], found: list[str]) -> None:
    assert unsafe(kind, **given) == found
