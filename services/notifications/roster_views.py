"""What stands on the pages that show people by name, put together from what was read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.notifications.roster import Row, by_name, recorded, row
from services.notifications.roster_lists import FOUND, SIZE, SORTED, Lists, Part
from services.notifications.state import Entry
from shared.clock import Clock
from shared.events import LIVE, Offering
from shared.pages import whole_page

View = dict[str, Any]


class Views:
    """Rows of people, with the names of this moment."""

    def __init__(self, lists: Lists, clock: Clock) -> None:
        self._lists, self._clock = lists, clock

    async def part(self, offering_id: str, part: Part, asked: str) -> View:
        """One page of one list. Raises Missing."""
        offering, counts = await self._lists.offering(offering_id), await self._lists.counts(offering_id)
        page, pages = whole_page(asked, counts[part], SIZE)
        first = (page - 1) * SIZE
        is_sorted = part == "confirmed" and counts[part] <= SORTED
        if is_sorted:
            everybody = await self._sorted(offering, 0)
            rows, counted = everybody[first : first + SIZE], _counted(offering, everybody)
        else:
            entries = await self._lists.piece(offering_id, part, first, SIZE)
            places = (
                {one.booking_id: place for place, one in enumerate(entries, first + 1)} if part == "waiting" else {}
            )
            rows, counted = await self._rows(offering, entries, places), {}
        return {
            **await self._frame(offering, rows),
            "counts": counts,
            "page": page,
            "pages": pages,
            "first": first,
            "is_sorted": is_sorted,
            "recorded": counted,
        }

    async def found(self, offering_id: str, asked: str) -> View:
        """What a search finds: bookings of this offering, and people who have none that lives. Raises Missing."""
        offering, counts = await self._lists.offering(offering_id), await self._lists.counts(offering_id)
        entries = await self._lists.search_on(offering_id, asked)
        places = await self._lists.places(offering_id, entries)
        here = sorted(await self._rows(offering, entries[:FOUND], places), key=by_name)
        contacts = await self._lists.search(asked)
        taken = {one.person_id for one in entries if one.status in LIVE}
        elsewhere = [one.person for one in contacts[:FOUND] if one.person and one.person_id not in taken]
        frame = await self._frame(offering, here, [one.organisation_id for one in elsewhere])
        more = {"here": len(entries) > FOUND, "elsewhere": len(contacts) > FOUND}
        return {**frame, "counts": counts, "elsewhere": elsewhere, "more": more}

    async def sheet(self, offering_id: str, asked: str) -> View:
        """Everybody who has a seat, by name; a very long list in several sheets. Raises Missing."""
        offering = await self._lists.offering(offering_id)
        people = (await self._lists.counts(offering_id))["confirmed"]
        page, pages = whole_page(asked, people, SORTED)
        rows = await self._sorted(offering, (page - 1) * SORTED)
        first = (page - 1) * SORTED
        return {**await self._frame(offering, rows), "people": people, "page": page, "pages": pages, "first": first}

    async def people(self, asked: str) -> View:
        """People whom a search finds, with their bookings, what lives first."""
        contacts = await self._lists.search(asked)
        found = [one.person for one in contacts[:FOUND] if one.person]
        bookings: defaultdict[str, list[Entry]] = defaultdict(list)
        for one in await self._lists.bookings_of([person.person_id for person in found]):
            bookings[one.person_id].append(one)
        entries = [one for each in bookings.values() for one in each]
        return {
            "found": sorted(found, key=lambda person: person.display_name.casefold().split()[::-1]),
            "more": len(contacts) > FOUND,
            "bookings": {who: sorted(each, key=_liveliest) for who, each in bookings.items()},
            "titles": await self._lists.titles(one.offering_id for one in entries),
            "names": await self._lists.organisations(person.organisation_id for person in found),
        }

    async def _sorted(self, offering: Offering, skip: int) -> list[Row]:
        entries = await self._lists.piece(offering.offering_id, "confirmed", skip, SORTED)
        return sorted(await self._rows(offering, entries, {}), key=by_name)

    async def _rows(self, offering: Offering, entries: Sequence[Entry], places: Mapping[str, int]) -> list[Row]:
        contacts = await self._lists.contacts(one.person_id for one in entries)
        now = self._clock.now()
        return [row(one, contacts.get(one.person_id), offering, now, places.get(one.booking_id)) for one in entries]

    async def _frame(self, offering: Offering, rows: Sequence[Row], more: Iterable[str] = ()) -> View:
        named = [offering.host_organisation_id, *(one.entry.organisation_id for one in rows), *more]
        names = await self._lists.organisations(named)
        return {"offering": offering, "rows": rows, "names": names, "now": self._clock.now()}


def _counted(offering: Offering, rows: Sequence[Row]) -> dict[str, int]:
    return {one.session_id: recorded(rows, one.session_id) for one in offering.sessions}


def _liveliest(entry: Entry) -> tuple[bool, str, int]:
    return entry.status not in LIVE, entry.offering_id, -entry.version
