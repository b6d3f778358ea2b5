"""A mail server that takes every mail and keeps none: what was sent is in the notifications database."""

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator
from typing import Any

from lernbus.embedded.wheels import require


class Sink:
    """Says that the mail was taken, and forgets it."""

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: ANN401, N802
        """Answer to the end of a mail's text; name and arguments are aiosmtpd's."""
        return "250 OK"


@contextlib.asynccontextmanager
async def smtp_sink() -> AsyncIterator[int]:
    """Take mail on a free loopback port, in the running event loop; the port is yielded."""
    smtp = require("aiosmtpd.smtp", "aiosmtpd").SMTP
    loop = asyncio.get_running_loop()
    connections: weakref.WeakSet[Any] = weakref.WeakSet()

    def accept() -> Any:  # noqa: ANN401 - aiosmtpd has no types
        connection = smtp(Sink(), hostname="localhost", enable_SMTPUTF8=True, loop=loop)
        connections.add(connection)
        return connection

    server = await loop.create_server(accept, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for connection in connections:
            if connection.transport is not None:
                connection.transport.close()
        await server.wait_closed()
