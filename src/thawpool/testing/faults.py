"""What can go wrong between a pool and its server."""

from __future__ import annotations

from enum import Enum
from typing import final

__all__ = ["FakeError", "Fault"]


@final
class Fault(Enum):
    """Something that a ``FakeDriver`` lets happen, see ``FakeDriver.inject``."""

    # A new connection
    REFUSED = "refused"  # turned away at once; a later attempt may succeed
    SILENT = "silent"  # nobody answers: the dial lasts as long as it may, then fails
    FULL = "full"  # the server has no slot left
    FATAL = "fatal"  # a wrong password: no attempt will succeed
    # An open connection
    GONE = "gone"  # its socket shows that the server hung up
    READABLE = "readable"  # its socket shows bytes that nobody asked for
    DEAD = "dead"  # its socket looks well, and the probe fails at once
    BLACK_HOLE = "black hole"  # its socket looks well, and nothing is ever answered
    # The way back
    RESET_FAILS = "reset fails"  # what a borrower left behind cannot be cleared


class FakeError(Exception):
    """The fake driver's own error, as a real library has one.

    Attributes:
        unsent: whether the server provably did not run the statement.
    """

    def __init__(self, message: str, *, unsent: bool = False) -> None:
        super().__init__(message)
        self.unsent = unsent
