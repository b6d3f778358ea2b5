"""A mail server in a process of its own, so that it takes none of the measured process's time: prints its port."""

import asyncio

from lernbus.embedded.smtp_sink import smtp_sink


async def serve() -> None:
    """Until it is ended."""
    async with smtp_sink() as port:
        print(port, flush=True)  # noqa: T201 (the answer itself)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
