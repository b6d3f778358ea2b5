"""When a partition has had so many dead letters that it must stop: 50 in a row, or 20 % of the last 200 records. Pure.

The outcomes of the last records are the bits of one number, the newest lowest; 1 is a dead letter. Above the oldest
stands a bit that tells how many there are: `NONE` is a window without any.
"""

from typing import Final

LAST: Final = 200
SHARE: Final = 40
IN_A_ROW: Final = 50
NONE: Final = 1


def pushed(window: int, dead: bool) -> int:  # noqa: FBT001 (the outcome of one record)
    """The window with one outcome more; the oldest falls out."""
    window = window << 1 | dead
    return window if window.bit_length() <= LAST + 1 else (window & (1 << LAST) - 1) | 1 << LAST


def reached(window: int) -> str:
    """Why the partition must stop, in words; empty while it need not."""
    counted = window.bit_length() - 1
    row = (1 << IN_A_ROW) - 1
    if counted >= IN_A_ROW and window & row == row:
        return f"{IN_A_ROW} dead letters in a row"
    if counted >= LAST and window.bit_count() - 1 >= SHARE:
        return f"{window.bit_count() - 1} dead letters among the last {LAST} records"
    return ""
