"""A process that dies or freezes anywhere loses, doubles and reorders nothing."""

import asyncio
import contextlib
import signal
from pathlib import Path

import pytest

from tests.support.world import World, until

POINTS = ["transaction", "committed", "half", "published", "step", "recovered", "emptied"]


async def stories(world: World, name: str = "") -> None:
    """Long queues, a raised capacity that moves them up in steps, and records held until their offering arrives."""
    offerings = [f"{name}o{n}" for n in range(6)]
    await world.produce(world.event("scheduled", offering, capacity=0) for offering in offerings)
    await world.produce(world.event("requested", offerings[n % 6], person_id=f"p{n}") for n in range(300))
    await world.produce(world.event("raised", offering, capacity=45) for offering in offerings)
    await world.produce(world.event("requested", f"{name}late{n % 3}", person_id=f"p{n}") for n in range(90))
    await world.produce(world.event("scheduled", f"{name}late{n}", capacity=5) for n in range(3))
    await world.produce(world.event("raised", f"{name}late{n}", capacity=25) for n in range(3))
    await world.produce(world.event("withdrawn", offerings[n % 6], person_id=f"p{n}") for n in range(60))


async def test_without_any_fault(world: World) -> None:
    await stories(world)
    async with world.service():
        await world.until_idle()
    assert await world.audit() == 0


async def test_kill_9_at_every_point(world: World) -> None:
    """One death after the other; each successor keeps the name, so that it need not wait for the session's end."""
    for life, point in enumerate(["committed", "half", "recovered", "transaction", "published", "step", "emptied"]):
        await stories(world, f"life{life}")
        await killed(world, point, 1)
    with world.worker(instance="one"):
        await world.until_idle()
    assert await world.audit() > 0, "what was half published must have been published again"


@pytest.mark.nightly
@pytest.mark.parametrize("nth", [1, 2, 4])
async def test_kill_9_at_every_point_side_by_side(world: World, nth: int) -> None:
    async def dies_twice(own: World, point: str) -> None:
        await stories(own)
        if point == "recovered":  # a first death leaves something to be published again
            await killed(own, "half", 1)
        await killed(own, point, 1)
        if point not in ("emptied", "recovered"):
            await killed(own, point, nth)
        with own.worker(instance="one"):
            await own.until_idle()
        # only what was published before the death is published twice
        assert await own.audit() > 0 or point in ("transaction", "committed", "emptied")

    await world.side_by_side(POINTS, dies_twice)


async def killed(world: World, point: str, nth: int) -> None:
    with world.worker(f"{point}:{signal.SIGKILL}:{nth}", instance="one") as process:
        await until(lambda: process.poll() is not None, 60, world._where)
        assert process.returncode == -signal.SIGKILL


async def test_kill_9_again_and_again_with_two_processes_and_traffic(world: World) -> None:
    faults = ["step", "committed", "transaction", "published", "half"]

    async def live(name: str) -> None:
        """One of two processes: each life ends by its fault, or by us after 8 s; the last one does not end."""
        while faults:
            fault = f"{faults.pop()}:{signal.SIGKILL}:2"
            with contextlib.suppress(TimeoutError), world.worker(fault, instance=name) as process:
                await asyncio.wait_for(until(lambda: process.poll() is not None, 60), 8)
        with world.worker(instance=name):
            await done.wait()

    done = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(live("one"))
        tasks.create_task(live("two"))
        for turn in range(8):
            await world.produce(world.requests(6, 60, capacity=turn))
            await world.produce(world.event("raised", f"o{n}", capacity=5 * turn) for n in range(6))
            await asyncio.sleep(1)
        await world.until_idle(90)
        done.set()
    await world.audit()


async def test_frozen_for_longer_than_the_session(world: World) -> None:
    """SIGSTOP at three points, each in a world of its own: another process takes over, then the late one wakes."""

    await world.side_by_side(POINTS[:3], frozen)


async def frozen(world: World, point: str) -> None:
    await stories(world)
    with world.worker(f"{point}:{signal.SIGSTOP}:2") as late:
        await until(lambda: is_frozen(late.pid), 60, world._where)
        with world.worker():
            await world.until_idle()
            late.send_signal(signal.SIGCONT)
            await world.produce(world.requests(6, 120))
            await asyncio.sleep(4)
            await world.until_idle()
            assert late.poll() is None, "the late one must recover by itself"
    await world.audit()


def is_frozen(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
