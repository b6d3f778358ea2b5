"""How neighbours are reached: TLS with the server's certificate checked, user, password; and why one refuses us."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure
from pymongo.uri_parser import parse_uri

if TYPE_CHECKING:
    from shared.settings import Settings

AUTHENTICATION_FAILED: Final = 18
UNAUTHORISED: Final = 13
CERTIFICATE: Final = "its certificate is not trusted"
LOGIN: Final = "it refuses our user or password"


def tls(authorities: Path | None) -> ssl.SSLContext:
    """Check servers' certificates and names, with these authorities or else the system's. Raises OSError."""
    return ssl.create_default_context(cafile=authorities)


def kafka(settings: "Settings") -> dict[str, Any]:
    """The arguments of aiokafka's clients. Raises ValueError that begins with the name of the setting that is wrong."""
    found: dict[str, Any] = {"security_protocol": settings.kafka_security.upper()}
    if settings.kafka_security.endswith("ssl"):
        found["ssl_context"] = _kafka_tls(settings)
    if settings.kafka_security.startswith("sasl"):
        if settings.kafka_username is None or settings.kafka_password is None:
            raise ValueError("kafka_username: is needed, and LERNBUS_KAFKA_PASSWORD too, where kafka_security is SASL")
        found["sasl_mechanism"] = settings.kafka_mechanism
        found["sasl_plain_username"] = settings.kafka_username
        found["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    elif settings.kafka_username is not None:
        raise ValueError("kafka_username: is shown to nobody unless kafka_security is sasl_ssl or sasl_plaintext")
    return found


def _kafka_tls(settings: "Settings") -> ssl.SSLContext:
    try:
        context = tls(settings.kafka_ca)
    except OSError as error:
        raise ValueError(f"kafka_ca: {settings.kafka_ca} is no certificate that can be used") from error
    if settings.kafka_certificate is not None:
        try:  # with a password, or OpenSSL would ask for one on the terminal
            context.load_cert_chain(settings.kafka_certificate, settings.kafka_certificate_key, password="")
        except OSError as error:
            what = f"{settings.kafka_certificate} is no certificate, or has no unencrypted key, that can be used"
            raise ValueError(f"kafka_certificate: {what}") from error
    return context


def check_mongo(uri: str) -> None:
    """Raise ValueError where the address cannot be used; one with `+srv` is only known once its name is looked up."""
    if uri.startswith("mongodb+srv:"):
        return
    try:
        parse_uri(uri)
    except (ConfigurationError, InvalidURI, ValueError, OSError):  # their words may hold the password
        hint = "user and password percent-encoded, files in it readable"
        raise ValueError(f"mongo: is no address of MongoDB that can be used ({hint})") from None


def refusal(error: BaseException) -> str | None:
    """Why a neighbour lets us not in, in words that hold no secret; None for any other failure."""
    for one in _causes(error):
        if isinstance(one, OperationFailure) and one.code in (AUTHENTICATION_FAILED, UNAUTHORISED):
            return LOGIN
        if isinstance(one, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(one):
            return CERTIFICATE
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
