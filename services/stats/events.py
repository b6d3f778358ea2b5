"""What stats reads: the outcomes that enrolment publishes, and nothing that carries a name or an address. Pure."""

from collections.abc import Mapping
from typing import Final

from shared.cloudevents import Catalogue
from shared.events import ENROLMENT_EVENTS, OUTCOMES

TOPICS: Final[Mapping[str, Catalogue]] = {ENROLMENT_EVENTS: OUTCOMES}
