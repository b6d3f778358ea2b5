"""The two stories that Lernbus is shown with: the figures that the cities told are real, people and dates invented."""

from lernbus.stories import duesseldorf, wuppertal
from lernbus.stories.telling import Phase

OFFERINGS = (*duesseldorf.OFFERINGS, *wuppertal.OFFERINGS)
"""The ids of all offerings, in the order in which they are told."""


def phases() -> list[Phase]:
    """Both stories, one after the other: the clock never has to go back."""
    return [*duesseldorf.phases(), *wuppertal.phases()]
