"""What random events are made of: few people, few organisations and short times, so that much meets."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support.enrolment import NOON, SESSION

PEOPLE = st.sampled_from([f"p{number}" for number in range(12)])
NUMBERS = st.integers(0, 6)
ORGANISATIONS = st.sampled_from(["jena", "jena", "bonn", "a.$b", None])
HOURS = st.integers(0, 6)
CAPACITY = st.sampled_from([0, 1, 2, 3, 3, 4, 4, 5, 6, 7, None])
SEATS = st.lists(
    st.tuples(st.sampled_from(["jena", "bonn", "a.$b"]), st.integers(0, 3), st.one_of(st.none(), HOURS)),
    max_size=3,
    unique_by=lambda one: one[0],
)
ASKING = st.tuples(PEOPLE, ORGANISATIONS)
MODULES: list[list[dict[str, Any]]] = [
    [SESSION],
    [{**SESSION, "title": "Abschluss"}],
    [SESSION, {**SESSION, "session_id": "s2"}],
    [{"session_id": "s1", "title": "Ersatz", "format": "web_based"}],
    [],
]
SESSIONS = st.sampled_from(MODULES)
FORMAT = st.sampled_from(["in_person"] * 3 + ["online", "blended", "web_based"])
MOMENT = st.sampled_from([None, None, None, 0, 1, 3])
BATCH = st.booleans()
PLAN = st.fixed_dictionaries(
    {
        "capacity": CAPACITY,
        "seats": SEATS,
        "waiting_list": st.sampled_from([True] * 5 + [False]),
        "approval": st.sampled_from(["none", "none", "supervisor"]),
        "format": FORMAT,
        "sessions": SESSIONS,
        "opens": MOMENT,
        "until": MOMENT,
    }
)
PERSON: dict[str, Any] = {"email": "a@b.de", "display_name": "Ada", "language": "de"}
LEAVES = st.sampled_from([("l1", "p0"), ("l2", "p0"), ("l3", "p1")])
LEAVE: dict[str, Any] = {
    "organisation_id": "jena",
    "starts_on": "2023-05-02",
    "ends_on": "2023-05-06",
    "subject": "Politische Bildung",
    "provider": "VHS",
}


def at(hour: int | None) -> datetime | None:
    return None if hour is None else NOON + timedelta(hours=hour)


def fitting(capacity: int | None, delegations: list[Any]) -> list[Any]:
    """The delegations that the capacity has room for."""
    found: list[Any] = []
    for one in delegations:
        if capacity is None or sum(seats for _, seats, _ in found) + one[1] <= capacity:
            found.append(one)
    return found


def held_in(form: str, sessions: list[Any]) -> list[Any]:
    """Sessions that this format may have."""
    return sessions if sessions or form == "web_based" else MODULES[0]


def as_sent(delegations: list[Any]) -> list[dict[str, Any]]:
    return [{"organisation_id": one, "seats": seats, "release_at": at(hour)} for one, seats, hour in delegations]


def as_known(delegations: list[Any]) -> list[Any]:
    return [(one, seats, at(hour)) for one, seats, hour in delegations]


def as_listed(people: list[tuple[str, str | None]]) -> list[dict[str, Any]]:
    return [{"person_id": person, "organisation_id": organisation} for person, organisation in people]
