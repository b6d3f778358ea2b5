"""An LMS that goes on pushing, and sends again what was not acknowledged: the same events with the same ids."""

import random
import threading
import time
from typing import Any

import httpx2

from tests.faults.model import Model
from tests.support.stack import BATCH, event, offering, person, request, session

ORGANISATIONS = ("bonn", "jena", "aachen")
KINDS = {"request": 62, "withdraw": 20, "capacity": 6, "attend": 6, "reschedule": 2, "schedule": 3, "cancel": 1}
OPEN = 12
"""So many offerings are booked at the same time."""
PAUSE_SECONDS = 0.4


class Lms(threading.Thread):
    """One sender with offerings and people of its own, so that the order of its events is the order on the log."""

    def __init__(self, url: str, name: str, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.accepted: list[dict[str, Any]] = []
        self.repeats, self.longest, self.failure = 0, 0.0, ""
        self._http = httpx2.Client(base_url=url, timeout=40)
        self._chance, self._numbers, self._model = random.Random(seed), 0, Model()
        self._offerings: list[str] = []
        self._people: list[str] = []
        self._strangers: list[str] = []
        self._stopped = threading.Event()

    def run(self) -> None:
        try:
            self.push(self._beginning())
            while not self._stopped.wait(PAUSE_SECONDS):
                self.push([one for _ in range(8) for one in self._anything()])
            self.push([self._own(self._named(stranger)) for stranger in self._strangers])
        except Exception as error:  # noqa: BLE001 - told by whoever stops it
            self.failure = f"{type(error).__name__}: {error}"

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def stop(self) -> None:
        """Return when what was begun is accepted, and everybody has an address."""
        self._stopped.set()
        self.join(180)
        assert not self.is_alive(), f"{self.name} still waits for its last events to be accepted"
        assert not self.failure, self.failure

    def push(self, events: list[dict[str, Any]]) -> None:
        """Send until it is accepted: again where the connection breaks, or the answer is 503 with Retry-After."""
        since = time.monotonic()
        while events and not self._accepted(events):
            self.repeats += 1
            time.sleep(0.5)
        self.longest = max(self.longest, time.monotonic() - since)
        self.accepted += events

    def probe(self) -> str:
        """A booking by somebody new on an offering of their own, which makes one mail; who it is."""
        offering_id, who = self._new("probe"), self._new("probing")
        begun = (offering(offering_id, course_id=self.name), person(who), request(offering_id, who))
        self.push([self._own(one) for one in begun])
        return who

    def _accepted(self, events: list[dict[str, Any]]) -> bool:
        try:
            answer = self._http.post("/enrolment/lms/events", json=events, headers={"content-type": BATCH})
        except httpx2.HTTPError:
            return False
        if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE and "retry-after" in answer.headers:
            return False
        assert answer.status_code == httpx2.codes.ACCEPTED, f"{answer.status_code} {answer.text}"
        return True

    # --- what happens in a city ---------------------------------------------------------------------------------------

    def _beginning(self) -> list[dict[str, Any]]:
        named = [event("organisation.changed", organisation_id=one, name=one.title()) for one in ORGANISATIONS]
        course = event("course.changed", course_id=self.name, title=f"Kurs {self.name}", topics=[], competencies=[])
        self._people = [self._new("p") for _ in range(40)]
        return [self._seen(one) for one in (*named, course, *map(self._named, self._people), *self._schedule())]

    def _anything(self) -> list[dict[str, Any]]:
        kind = self._chance.choices([*KINDS], [*KINDS.values()])[0]
        found: list[dict[str, Any]] = getattr(self, f"_{kind}")()
        return [self._seen(one) for one in found]

    def _schedule(self) -> list[dict[str, Any]]:
        offering_id, capacity = self._new("o"), self._chance.randint(1, 8)
        self._offerings = [*self._offerings, offering_id][-OPEN:]
        more = {"delegations": self._delegations(capacity)} if self._chance.random() < 0.4 else {}
        return [offering(offering_id, capacity, course_id=self.name, **more)]

    def _request(self) -> list[dict[str, Any]]:
        offering_id = self._chance.choice(self._offerings)
        chance = self._chance.random()
        if chance < 0.05:  # whose address comes later
            self._strangers.append(self._new("stranger"))
            return [request(offering_id, self._strangers[-1], organisation_id=self._chance.choice(ORGANISATIONS))]
        if chance < 0.1 and self._strangers:
            return [self._named(self._strangers.pop(0))]
        more = {"organisation_id": self._chance.choice(ORGANISATIONS)} if chance < 0.5 else {}
        return [request(offering_id, self._chance.choice(self._people), **more)]

    def _withdraw(self) -> list[dict[str, Any]]:
        return [self._about("booking.withdrawn", person_id=self._chance.choice(self._people))]

    def _capacity(self) -> list[dict[str, Any]]:
        capacity = self._chance.randint(1, 12)
        more = {"delegations": self._delegations(capacity)} if self._chance.random() < 0.5 else {}
        return [self._about("offering.capacity_changed", capacity=capacity, **more)]

    def _attend(self) -> list[dict[str, Any]]:
        """Mostly of somebody with a seat; else it is a dead letter."""
        offering_id = self._chance.choice(self._offerings)
        seated = [one.person for one in self._model.offerings[offering_id].confirmed()]
        who = self._chance.choice(seated if seated and self._chance.random() < 0.9 else self._people)
        told = {"offering_id": offering_id, "session_id": "s1", "person_id": who, "status": "attended"}
        return [event("attendance.recorded", **told)]

    def _reschedule(self) -> list[dict[str, Any]]:
        return [self._about("offering.rescheduled", sessions=[session(title=f"Modul {self._numbers}")])]

    def _cancel(self) -> list[dict[str, Any]]:
        return [self._about("offering.cancelled", reason="zu wenige")]

    def _about(self, kind: str, **data: Any) -> dict[str, Any]:
        return event(kind, offering_id=self._chance.choice(self._offerings), **data)

    def _delegations(self, capacity: int) -> list[dict[str, Any]]:
        first = self._chance.randint(0, capacity)
        return [
            {"organisation_id": "bonn", "seats": first},
            {"organisation_id": "jena", "seats": self._chance.randint(0, capacity - first)},
        ]

    def _named(self, who: str) -> dict[str, Any]:
        return person(who, organisation_id=self._chance.choice(ORGANISATIONS))

    def _new(self, what: str) -> str:
        self._numbers += 1
        return f"{self.name}-{what}{self._numbers}"

    def _seen(self, one: dict[str, Any]) -> dict[str, Any]:
        """As it will be sent; what comes next may depend on it."""
        self._model.fold(one)
        return self._own(one)

    def _own(self, one: dict[str, Any]) -> dict[str, Any]:
        one["id"] = self._new("e")
        return one
