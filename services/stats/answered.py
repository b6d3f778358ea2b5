"""What is told of a year, as it is kept: figures, names, and of which state of the data. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from services.stats.columns import Cell, Owner
from services.stats.figures import Figure
from services.stats.report import Known


@dataclass(frozen=True, slots=True)
class Answered(Known):
    """`state` tells the states of the data apart; `offerings`: the titles of those that the year is about."""

    state: str = ""
    offerings: Mapping[str, str] = field(default_factory=dict)


class _Kept(msgspec.Struct):
    """The same as JSON can say it: pairs instead of keys."""

    told: list[tuple[Owner, list[tuple[Cell, dict[str, Figure | None]]]]]
    courses: Mapping[str, str]
    organisations: Mapping[str, str]
    as_of: datetime | None
    since: datetime | None
    k: int
    state: str
    offerings: Mapping[str, str]
    rebuilding: bool = False


_NAMES = [name for name in _Kept.__struct_fields__ if name != "told"]


def packed(answered: Answered) -> bytes:
    """As it is kept."""
    told = [(owner, [*cells.items()]) for owner, cells in answered.told.items()]
    return msgspec.json.encode({"told": told, **{name: getattr(answered, name) for name in _NAMES}})


def unpacked(content: bytes) -> Answered:
    """The inverse of `packed`."""
    kept = msgspec.json.decode(content, type=_Kept)
    return Answered(
        {owner: dict(cells) for owner, cells in kept.told}, **{name: getattr(kept, name) for name in _NAMES}
    )
