"""websockets_echo.py PORT: an echo with python3-websockets, and with uvloop,
which costs less than Python's own loop.
"""

import asyncio
import contextlib
import logging
import sys

import uvloop
import websockets


async def echo(connection):
    with contextlib.suppress(websockets.ConnectionClosed):
        async for message in connection:
            await connection.send(message)


async def main(port):
    async with websockets.serve(echo, "127.0.0.1", port, backlog=4096,
                                compression=None, max_size=None,
                                ping_interval=None):
        await asyncio.Future()


logging.getLogger("websockets").setLevel(logging.CRITICAL)
uvloop.install()
asyncio.run(main(int(sys.argv[1])))
