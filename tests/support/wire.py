"""Read what a client sent to PostgreSQL, as the fault proxy recorded it."""

from __future__ import annotations

import struct
from typing import NamedTuple

__all__ = ["Message", "messages", "statements"]


class Message(NamedTuple):
    """One message of a client: its type ("startup" for the first, which has none) and what it carries."""

    kind: str
    body: bytes


def messages(conversation: bytes) -> list[Message]:
    """The messages of one connection without TLS, from its first byte on or from any whole message."""
    found: list[Message] = []
    at = 0
    while at < len(conversation):
        # A startup packet has a length where later messages have a letter: its first byte is zero.
        typed = conversation[at] != 0
        kind = chr(conversation[at]) if typed else "startup"
        start = at + typed
        (length,) = struct.unpack_from("!I", conversation, start)
        found.append(Message(kind, conversation[start + 4 : start + length]))
        at = start + length
    return found


def statements(conversation: bytes) -> list[str]:
    """The text of each statement, in the order sent: simple queries (Q) and parsed ones (P)."""
    texts = []
    for kind, body in messages(conversation):
        if kind == "Q":
            texts.append(body.rstrip(b"\0").decode())
        elif kind == "P":
            texts.append(body.split(b"\0")[1].decode())
    return texts
