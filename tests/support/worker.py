"""The service under test as a process, with a fault built in: `point:signal:nth`.

The nth time that it comes to that point it sends itself that signal (9 or 19). Points: `transaction` (open, the fence
written), `committed`, `half` (half published), `published`, `step` (between two steps), `recovered` (published again,
before it goes on), `emptied`.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence

from pydantic import SecretStr

from shared.publisher import Out
from shared.runtime import Service
from tests.support.world import FastSettings, build, seats


class Fault:
    def __init__(self, said: str) -> None:
        self.point, number, nth = said.split(":") if said else ("", "0", "0")
        self.signal, self.nth = int(number), int(nth)

    def at(self, point: str) -> None:
        if point == self.point:
            self.nth -= 1
            if self.nth == 0:
                os.kill(os.getpid(), self.signal)


def build_in(service: Service, fault: Fault) -> None:
    """Wrap the kernel's neighbours; the kernel itself stays as it is."""
    kernel = service.kernel
    positions, publisher = kernel.positions, service.publisher

    def after(target: object, name: str, tell: Callable[[object], None]) -> None:
        original = getattr(target, name)

        async def wrapped(*args: object, **more: object) -> object:
            answer = await original(*args, **more)
            tell(args)
            return answer

        setattr(target, name, wrapped)

    after(positions, "write", lambda _: fault.at("transaction"))
    after(positions, "empty", lambda _: fault.at("emptied"))
    moving = False

    def committed() -> None:
        nonlocal moving
        moving = True
        fault.at("committed")

    kernel.on_commit = committed
    publish = publisher.publish

    async def published(outs: Sequence[Out]) -> list[int]:
        nonlocal moving
        recovering, moving = not moving, False
        if fault.point == "half" and len(outs) > 1:
            await publish(outs[: len(outs) // 2])
            fault.at("half")
        answer = await publish(outs)
        fault.at("recovered" if recovering else "published")
        if any(position.step for position in kernel.owned.values()):
            fault.at("step")
        return answer

    publisher.publish = published  # type: ignore[method-assign]


async def main() -> None:
    said = json.loads(sys.argv[1])
    settings = FastSettings(**said["settings"] | {"mongo": SecretStr(said["settings"]["mongo"])})
    service = build(settings, *said["names"])
    seats(service).cured = said["cured"]
    build_in(service, Fault(said["fault"]))
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    async with service.running():
        await end.wait()


if __name__ == "__main__":
    asyncio.run(main())
