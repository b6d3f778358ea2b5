"""Settings that work and are dangerous: what is wrong, and what to do. Pure."""

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from shared.settings import Settings


class Finding(NamedTuple):
    """One unsafe setting: its variable, why, and what to do."""

    variable: str
    why: str
    advice: str


def is_loopback(host: str) -> bool:
    """True where nobody but this machine is reached, or reaches us."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _host(place: str) -> str:
    """`[::1]` of `[::1]:9092`, `db` of `db`."""
    return re.sub(r":\d+$", "", place)


def common(settings: "Settings") -> list[Finding]:
    """What can be wrong with the settings of every service."""
    found = [*_mongo(settings.mongo.get_secret_value()), *_kafka(settings), *_doors(settings)]
    if settings.broker == "embedded":
        found.append(Finding("LERNBUS_BROKER", "the embedded broker keeps nothing", "use Apache Kafka"))
    if settings.now is not None:
        found.append(Finding("LERNBUS_NOW", "the clock is not the true one", "leave it out but for a demonstration"))
    return found


def _doors(settings: "Settings") -> list[Finding]:
    """A service with one of these does not even start."""
    if is_loopback(settings.host):
        return []
    found = []
    if settings.keys is None:
        why = "whoever reaches the service could book and cancel"
        found.append(Finding("LERNBUS_KEYS", why, "name a file of senders' keys (`lernbus key new`)"))
    if settings.users is None:
        why = "whoever reaches the service could read names and addresses"
        found.append(Finding("LERNBUS_USERS", why, "name a file of the office's users (`lernbus user new`)"))
    return found


def _kafka(settings: "Settings") -> list[Finding]:
    brokers = [one.strip() for one in settings.kafka.split(",")]
    found = []
    if not all(is_loopback(_host(one)) for one in brokers):
        found += _kafka_access(settings)
    if len(brokers) > 1 and settings.replication == 1:
        why = "there are several brokers, and the loss of one loses events"
        found.append(Finding("LERNBUS_REPLICATION", why, "set 3, and raise the replication of topics that exist"))
    return found


def _kafka_access(settings: "Settings") -> list[Finding]:
    found = []
    if not settings.kafka_security.endswith("ssl"):
        why = "events travel in the clear, those with names and addresses too"
        found.append(Finding("LERNBUS_KAFKA_SECURITY", why, "set sasl_ssl"))
    if settings.kafka_username is None and settings.kafka_certificate is None:
        why = "whoever reaches Kafka can read and write events"
        found.append(Finding("LERNBUS_KAFKA_USERNAME", why, "let the broker ask for a user and set sasl_ssl"))
    return found


def _mongo(uri: str) -> list[Finding]:
    parts = urlsplit(uri)
    user, _, hosts = parts.netloc.rpartition("@")
    if all(is_loopback(_host(place)) for place in hosts.split(",")):
        return []
    options = {name.lower(): value.lower() for name, value in parse_qsl(parts.query)}
    tls = options.get("tls", options.get("ssl", "true" if parts.scheme.endswith("+srv") else "false"))
    found = []
    if not user and options.get("authmechanism") != "mongodb-x509":
        found.append(
            Finding("LERNBUS_MONGO", "whoever reaches MongoDB reads and changes everything", "give each service a user")
        )
    if tls != "true":
        found.append(
            Finding("LERNBUS_MONGO", "names, addresses and the password travel in the clear", "add tls=true to it")
        )
    return found
