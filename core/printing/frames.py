"""One message on a socket between those who ask for prints, the print server and its presses: a JSON head, then bytes."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

LARGEST: Final = 96 * 1024 * 1024
"""Bytes of one message; photos are the bulk of it."""
_HEAD: Final = struct.Struct("!I")
_CHUNK: Final = 1024 * 1024


class Broken(Exception):
    """The other side went away in the middle of a message, or sent none."""


def send(link: socket.socket, head: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
    """Send one message."""
    text = json.dumps({**head, "sizes": [len(blob) for blob in blobs]}, separators=(",", ":")).encode()
    try:
        link.sendall(b"".join((_HEAD.pack(len(text)), text)))
        for blob in blobs:
            link.sendall(blob)
    except (BrokenPipeError, ConnectionError) as error:
        raise Broken(str(error)) from error


def receive(link: socket.socket, until: float | None = None) -> tuple[dict[str, Any], list[bytes]]:
    """Take one message; `until` (of `time.monotonic`) raises TimeoutError when it passes first."""
    size = _HEAD.unpack(_exactly(link, _HEAD.size, until))[0]
    head = json.loads(_exactly(link, _allowed(size), until))
    sizes = head.pop("sizes")
    _allowed(sum(sizes))
    return head, [_exactly(link, size, until) for size in sizes]


def _allowed(size: int) -> int:
    if not 0 <= size <= LARGEST:
        raise Broken(f"a message of {size} bytes")
    return size


def _exactly(link: socket.socket, size: int, until: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            link.settimeout(left)
        try:
            part = link.recv(min(size - len(parts), _CHUNK))
        except ConnectionError as error:
            raise Broken(str(error)) from error
        if not part:
            raise Broken("the other side went away")
        parts += part
    return bytes(parts)
