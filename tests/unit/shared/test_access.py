import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from faststream.kafka.security import parse_security
from pydantic import ValidationError
from pymongo.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError

from services.notifications.settings import Settings as Notifications
from shared import runtime
from shared.access import CERTIFICATE, LOGIN, refusal
from shared.settings import Settings

USER = {"kafka_username": "enrolment", "kafka_password": "s3cret"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    own = authority.issue_cert("enrolment.example")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    own.private_key_and_cert_chain_pem.write_to_path(directory / "own.pem")
    own.cert_chain_pems[0].write_to_path(directory / "certificate.pem")
    own.private_key_pem.write_to_path(directory / "key.pem")
    (directory / "nonsense").write_text("s3cret")
    return {one.stem: one for one in directory.iterdir()}


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["sasl_plaintext", "sasl_ssl"])
def test_all_clients_of_kafka_are_told_the_same(files: dict[str, Path], protocol: str, mechanism: str) -> None:
    given: dict[str, Any] = {"kafka_security": protocol, "kafka_mechanism": mechanism, "kafka_ca": files["ca"], **USER}
    settings = Settings(**given)
    told, consumer = settings.connecting, parse_security(runtime._security(settings))
    contexts = told.pop("ssl_context", None), consumer.pop("ssl_context", None)

    assert told == consumer
    assert told["security_protocol"] == protocol.upper()
    assert (told["sasl_mechanism"], told["sasl_plain_username"]) == (mechanism, "enrolment")
    assert told["sasl_plain_password"] == "s3cret"
    assert [type(one) for one in contexts] == [ssl.SSLContext if protocol == "sasl_ssl" else type(None)] * 2


def test_without_settings_nothing_is_encrypted_and_no_user_shown() -> None:
    told = Settings().connecting
    assert told == {"security_protocol": "PLAINTEXT"}
    assert {**parse_security(runtime._security(Settings())), "ssl_context": None} == {**told, "ssl_context": None}


def test_the_brokers_certificate_and_name_are_checked_with_the_authorities_given(files: dict[str, Path]) -> None:
    context = Settings(kafka_security="ssl", kafka_ca=files["ca"]).connecting["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize("key", [None, "key"])
def test_our_own_certificate_is_shown(files: dict[str, Path], key: str | None) -> None:
    given = {"kafka_certificate": files["certificate" if key else "own"], "kafka_certificate_key": key and files[key]}
    assert Settings(kafka_security="ssl", kafka_ca=files["ca"], **given).connecting["ssl_context"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        ({"kafka_security": "sasl_ssl"}, "kafka_username"),
        ({"kafka_security": "sasl_ssl", "kafka_username": "u"}, "kafka_username"),
        (USER, "kafka_username"),
        ({**USER, "kafka_security": "ssl"}, "kafka_username"),
        ({"kafka_security": "ssl", "kafka_ca": "/nowhere"}, "kafka_ca"),
        ({"kafka_security": "ssl", "kafka_ca": "nonsense"}, "kafka_ca"),
        ({"kafka_security": "ssl", "kafka_certificate": "certificate"}, "kafka_certificate"),
        ({"kafka_security": "ssl", "kafka_certificate": "certificate", "kafka_certificate_key": "ca"}, "kafka_cert"),
        ({"mongo": "mongodb://u:s3cret@h:x/"}, "mongo"),
        ({"mongo": "mongodb://u:pass/s3cret@h/"}, "mongo"),
        ({"mongo": "mongodb://h/?tls=true&tlsCAFile=/nowhere"}, "mongo"),
        ({"mongo": "s3cret"}, "mongo"),
        ({"smtp_ca": "nonsense"}, "smtp_ca"),
        ({"smtp_ca": "/nowhere"}, "smtp_ca"),
    ],
)
def test_what_cannot_be_used_is_named_before_anything_starts(
    files: dict[str, Path], given: dict[str, Any], setting: str
) -> None:
    with pytest.raises(ValidationError) as error:
        Notifications(**{name: files.get(value, value) for name, value in given.items()})
    (message,) = [one["msg"] for one in error.value.errors()]
    assert message.startswith(f"Value error, {setting}")
    assert "s3cret" not in message


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OperationFailure("Authentication failed: s3cret", 18), LOGIN),
        (OperationFailure("not authorized on lernbus", 13), LOGIN),
        (OperationFailure("other", 11), None),
        (ServerSelectionTimeoutError("SSL handshake failed: db: [SSL: CERTIFICATE_VERIFY_FAILED] s3cret"), CERTIFICATE),
        (ssl.SSLCertVerificationError("s3cret"), CERTIFICATE),
        (caused(OSError("x"), ssl.SSLCertVerificationError("s3cret")), CERTIFICATE),
        (caused(AutoReconnect("x"), OperationFailure("s3cret", 18)), LOGIN),
        (ConnectionRefusedError(111, "s3cret"), None),
    ],
    ids=range(8),
)
def test_why_a_neighbour_refuses_us(error: Exception, words: str | None) -> None:
    assert refusal(error) == words
