"""Neighbours that let nobody in without TLS and a password: Kafka, MongoDB and a mail server, as containers."""

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.support.servers import TAG, free_port, kafka_settings

MONGO_TAG = os.environ.get("MONGO_TAG", "6.0")
SECONDS = 120
ROLES = "['readWriteAnyDatabase', 'dbAdminAnyDatabase']"


@dataclass(frozen=True)
class Secure:
    """Where they are, and how they are told to the services. `mails` is the mail server's list."""

    settings: dict[str, str]
    passwords: dict[str, str]
    mails: str
    directory: Path

    def mongo(self, password: str, authority: str = "ca.pem") -> str:
        """The address of MongoDB with this password, trusting this authority."""
        place = self.settings["LERNBUS_MONGO"].partition("@")[2].partition("?")[0]
        options = f"directConnection=true&tls=true&tlsCAFile={self.directory / authority}&authMechanism=SCRAM-SHA-256"
        return f"mongodb://lernbus:{password}@{place}?{options}"


@contextlib.contextmanager
def secure_neighbours(directory: Path) -> Iterator[Secure]:
    """All three, with certificates of one authority (`ca.pem`; `other.pem` is one that signed nothing)."""
    write_certificates(directory)
    passwords = {name: f"{name}-{secrets.token_hex(12)}" for name in ("kafka", "mongo", "smtp")}
    with contextlib.ExitStack() as stack:
        kafka = stack.enter_context(_kafka(directory, passwords["kafka"]))
        mongo = stack.enter_context(_mongo(directory, passwords["mongo"]))
        smtp, mails = stack.enter_context(_mailpit(directory, passwords["smtp"]))
        authority = str(directory / "ca.pem")
        settings = {
            "LERNBUS_KAFKA": kafka,
            "LERNBUS_KAFKA_SECURITY": "sasl_ssl",
            "LERNBUS_KAFKA_MECHANISM": "SCRAM-SHA-512",
            "LERNBUS_KAFKA_USERNAME": "lernbus",
            "LERNBUS_KAFKA_PASSWORD": passwords["kafka"],
            "LERNBUS_KAFKA_CA": authority,
            "LERNBUS_MONGO": f"mongodb://lernbus@{mongo}/?",
            "LERNBUS_SMTP_HOST": "localhost",
            "LERNBUS_SMTP_PORT": smtp,
            "LERNBUS_SMTP_SECURITY": "starttls",
            "LERNBUS_SMTP_USERNAME": "lernbus",
            "LERNBUS_SMTP_PASSWORD": passwords["smtp"],
            "LERNBUS_SMTP_CA": authority,
        }
        found = Secure(settings, passwords, mails, directory)
        settings["LERNBUS_MONGO"] = found.mongo(passwords["mongo"])
        yield found


def write_certificates(directory: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    other.cert_pem.write_to_path(directory / "other.pem")
    key = load_pem_private_key(server.private_key_pem.bytes(), None)  # Kafka wants PKCS8
    chain = b"".join(one.bytes() for one in server.cert_chain_pems)
    (directory / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (directory / "chain.pem").write_bytes(chain)
    (directory / "both.pem").write_bytes((directory / "key.pem").read_bytes() + chain)
    (directory / "keyfile").write_text(secrets.token_hex(100))
    directory.chmod(0o755)
    for one in directory.iterdir():
        one.chmod(0o644)


def _run(container: DockerContainer, *command: str) -> str:
    """Run a command inside, again until it succeeds."""
    deadline = time.monotonic() + SECONDS
    while True:
        code, output = container.exec([*command])
        if code == 0:
            return str(output.decode())
        assert time.monotonic() < deadline, output.decode()
        time.sleep(1)


@contextlib.contextmanager
def _started(container: DockerContainer, words: str) -> Iterator[DockerContainer]:
    with container.waiting_for(LogMessageWaitStrategy(re.compile(words)).with_startup_timeout(SECONDS)) as running:
        yield running


@contextlib.contextmanager
def _kafka(directory: Path, password: str) -> Iterator[str]:
    """Clients come in by SASL_SSL alone; the plaintext listener is inside of the container, for the broker itself."""
    port = free_port()
    own = {
        "LISTENERS": "INSIDE://localhost:19092,CLIENT://:9092,CONTROLLER://localhost:9093",
        "ADVERTISED_LISTENERS": f"INSIDE://localhost:19092,CLIENT://localhost:{port}",
        "INTER_BROKER_LISTENER_NAME": "INSIDE",
        "LISTENER_SECURITY_PROTOCOL_MAP": "INSIDE:PLAINTEXT,CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT",
        "SASL_ENABLED_MECHANISMS": "SCRAM-SHA-512",
        "LISTENER_NAME_CLIENT_SCRAM___SHA___512_SASL_JAAS_CONFIG": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "SSL_KEYSTORE_TYPE": "PEM",
        "SSL_KEYSTORE_LOCATION": "/certificates/both.pem",
    }
    container = DockerContainer(f"apache/kafka:{TAG}").with_bind_ports(9092, port).with_kwargs(user="root")
    container.with_volume_mapping(str(directory), "/certificates", "ro")
    for name, value in {**kafka_settings(port), **own}.items():
        container.with_env(f"KAFKA_{name}", value)
    user = ["--alter", "--add-config", f"SCRAM-SHA-512=[password={password}]", "--entity-type", "users"]
    with _started(container, "Kafka Server started") as running:
        tool = "/opt/kafka/bin/kafka-configs.sh"
        _run(running, tool, "--bootstrap-server", "localhost:19092", *user, "--entity-name", "lernbus")
        yield f"localhost:{port}"


@contextlib.contextmanager
def _mongo(directory: Path, password: str) -> Iterator[str]:
    port = free_port()
    files = "install -o 999 -m 400 /certificates/keyfile /certificates/both.pem /tmp"
    mongod = (
        "exec mongod --replSet rs0 --bind_ip_all --keyFile /tmp/keyfile --tlsMode requireTLS"
        " --tlsCertificateKeyFile /tmp/both.pem --tlsCAFile /certificates/ca.pem"
        " --tlsAllowConnectionsWithoutCertificates --setParameter transactionLifetimeLimitSeconds=5"
    )
    command: Any = ["bash", "-c", f"{files} && {mongod}"]
    container = DockerContainer(f"mongo:{MONGO_TAG}").with_bind_ports(27017, port).with_kwargs(user="root")
    container.with_volume_mapping(str(directory), "/certificates", "ro").with_command(command)
    start = (
        "try { rs.status() } catch (error) { if (error.codeName == 'NotYetInitialized')"
        " rs.initiate({_id: 'rs0', members: [{_id: 0, host: 'localhost:27017'}]}) }"
        " while (!db.hello().isWritablePrimary) sleep(200);"
        f" db.getSiblingDB('admin').createUser({{user: 'lernbus', pwd: '{password}', roles: {ROLES},"
        " mechanisms: ['SCRAM-SHA-256']})"
    )
    shell = ("mongosh", "--quiet", "--host", "localhost", "--tls", "--tlsCAFile", "/certificates/ca.pem", "--eval")
    with _started(container, "Waiting for connections") as running:
        _run(running, *shell, start)
        yield f"localhost:{port}"


@contextlib.contextmanager
def _mailpit(directory: Path, password: str) -> Iterator[tuple[str, str]]:
    smtp, web = free_port(), free_port()
    container = DockerContainer("axllent/mailpit:latest").with_bind_ports(1025, smtp).with_bind_ports(8025, web)
    container.with_volume_mapping(str(directory), "/certificates", "ro")
    for name, value in {
        "TLS_CERT": "/certificates/chain.pem",
        "TLS_KEY": "/certificates/key.pem",
        "REQUIRE_STARTTLS": "true",
        "AUTH": f"lernbus:{password}",
    }.items():
        container.with_env(f"MP_SMTP_{name}", value)
    with container:
        yield str(smtp), f"http://127.0.0.1:{web}/api/v1"
