"""What is done to a running stack, and how the outside heals: never by touching what is inside of it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from lernbus.client import SERVICES
from tests.faults.sink import container_image
from tests.support.compose import JOBS, Compose, docker, service_of

Heal = Callable[[], None]
NEIGHBOURS = ("kafka", "mongo", "mailpit")
SHORT, LONG = 12, 30
"""Seconds: more than Kafka's session timeout of 10 s, and what the promise is for."""


@dataclass(frozen=True)
class Fault:
    """`do` harms and returns what ends the harm after so many seconds. `short`: it is part of the short form too."""

    name: str
    target: str
    do: partial[Heal]
    seconds: float = 0
    short: bool = False

    @property
    def forgets(self) -> bool:
        """The sink loses its memory."""
        return self.target == "mailpit" and self.do.func in (crash, restart)

    @property
    def repeats(self) -> bool:
        """Nobody can know whether a mail arrived, so it may come twice. Who is told to stop finishes its mails."""
        return self.target in ("mongo", "mailpit") or (self.target == "notifications" and self.do.func is not restart)


def crash(service: str, stack: Compose) -> Heal:
    """SIGKILL from outside of one container's process. Nobody heals that: its restart policy does."""
    one = _any(stack, service)
    words = ("--pid", "host", "--user", "0", "--cap-drop", "ALL", "--cap-add", "KILL", "--entrypoint", "python")
    script = f"import os; os.kill({one['State']['Pid']}, 9)"
    docker("run", "--rm", *words, container_image(stack), "-c", script)
    return _nothing


def pause(service: str, stack: Compose) -> Heal:
    """Freeze one container: it holds its partitions, its locks and its connections."""
    name = _any(stack, service)["Id"]
    docker("pause", name)
    return partial(docker_ok, "unpause", name)


def cut(service: str, stack: Compose) -> Heal:
    """Take one container off its networks: packets vanish, and no connection is told."""
    one = _any(stack, service)
    networks: dict[str, Any] = one["NetworkSettings"]["Networks"]
    for network in networks:
        docker("network", "disconnect", network, one["Id"])

    def connect() -> None:
        for network, place in networks.items():
            aliases = [word for alias in place["Aliases"] or () for word in ("--alias", alias)]
            docker("network", "connect", *aliases, network, one["Id"])

    return connect


def restart(service: str, stack: Compose) -> Heal:
    """All containers of a service at once, as an operator would."""
    stack.run("restart", service)
    return _nothing


def scale(instances: int, stack: Compose) -> Heal:
    """Every service has so many instances. Who is not concerned goes on running."""
    before = _ids(stack)
    stack.run("up", "--detach", *(word for one in SERVICES for word in ("--scale", f"{one}={instances}")))
    running = [service_of(one) for one in stack.containers(*SERVICES) if one["State"]["Running"]]
    assert sorted(running) == sorted([*SERVICES] * instances)
    after = _ids(stack)
    assert before <= after or after <= before, f"made anew: {before - after}"
    return _nothing


def docker_ok(*words: str) -> None:
    """A command that must succeed."""
    docker(*words)


def _nothing() -> None:
    """It heals by itself."""


def _ids(stack: Compose) -> set[tuple[str, str]]:
    return {(service_of(one), one["Id"]) for one in stack.containers() if service_of(one) not in JOBS}


def _any(stack: Compose, service: str) -> dict[str, Any]:
    return random.choice([one for one in stack.containers(service) if one["State"]["Running"]])


def table() -> list[Fault]:
    """All faults in their order: scaled up, everything else, scaled down."""
    everybody = (*SERVICES, *NEIGHBOURS)
    return [
        Fault("scale every service from 1 to 3", "", partial(scale, 3), short=True),
        *(Fault(f"kill -9 of {one}", one, partial(crash, one), short=one == "notifications") for one in everybody),
        Fault(f"pause of enrolment for {SHORT} s", "enrolment", partial(pause, "enrolment"), SHORT, short=True),
        *(Fault(f"pause of {one} for {LONG} s", one, partial(pause, one), LONG) for one in everybody),
        *(
            Fault(f"disconnect of {one} for {SHORT} s", one, partial(cut, one), SHORT, short=True)
            for one in ("kafka", "mongo")
        ),
        *(Fault(f"disconnect of {one} for {LONG} s", one, partial(cut, one), LONG) for one in everybody),
        *(Fault(f"restart of {one}", one, partial(restart, one)) for one in everybody),
        Fault("scale every service from 3 to 1", "", partial(scale, 1), short=True),
    ]
