"""asyncio's streams over pipes, made at once, although what connects a pipe to a loop is a coroutine."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import IO, Any

Bytes = bytes | bytearray | memoryview


class Pipe(asyncio.WriteTransport):
    """A pipe that is being connected to the running loop; until it is, what is written waits here.

    The loop closes ``file``; ``connecting`` is its ``connect_read_pipe`` or ``connect_write_pipe``.
    """

    def __init__(self, file: IO[bytes], connecting: Coroutine[Any, Any, tuple[asyncio.BaseTransport, Any]]) -> None:
        super().__init__({"pipe": file})
        self._file = file
        self._early = bytearray()
        self._ends = self._closes = False
        self._transport: asyncio.BaseTransport | None = None
        self._task = asyncio.get_running_loop().create_task(connecting)
        self._task.add_done_callback(self._connected)

    def _connected(self, task: asyncio.Task[tuple[asyncio.BaseTransport, Any]]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._file.close()
            self._closes = True
            return
        self._transport, _ = task.result()
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write(bytes(self._early))
            self._early.clear()
            if self._ends and self._transport.can_write_eof():
                self._transport.write_eof()
        if self._closes:
            self._transport.close()

    def write(self, data: Bytes) -> None:
        """Write, now or as soon as it is connected."""
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write(data)
        elif not self._closes:
            self._early += data

    def can_write_eof(self) -> bool:
        """Say that it can be ended."""
        return True

    def write_eof(self) -> None:
        """End it after what was written."""
        self._ends = True
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write_eof()

    def close(self) -> None:
        """Close it after what was written."""
        self._closes = True
        if self._transport is not None:
            self._transport.close()
        elif self._task.get_loop().is_closed():  # it will never go on
            self._file.close()

    def abort(self) -> None:
        """Close it at once."""
        self._early.clear()
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()
        else:
            self.close()

    def is_closing(self) -> bool:
        """Say whether it was closed."""
        return self._closes or (self._transport is not None and self._transport.is_closing())

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait to be written."""
        if isinstance(self._transport, asyncio.WriteTransport):
            return self._transport.get_write_buffer_size()
        return len(self._early)


def open_reader(file: IO[bytes]) -> tuple[asyncio.StreamReader, Pipe]:
    """Return a stream from a pipe, and what closes it."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    return reader, Pipe(file, loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader, loop=loop), file))


def open_writer(file: IO[bytes]) -> tuple[asyncio.StreamWriter, Pipe]:
    """Return a stream to a pipe, and what closes it."""
    loop = asyncio.get_running_loop()
    # a writer's drain() and wait_closed() ask this kind of protocol; no reader belongs to it
    protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader(loop=loop), loop=loop)
    pipe = Pipe(file, loop.connect_write_pipe(lambda: protocol, file))
    return asyncio.StreamWriter(pipe, protocol, None, loop), pipe
