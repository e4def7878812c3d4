"""What an error of a server means for a connection and for a pool, in words that are the same for all servers."""

from __future__ import annotations

from enum import Flag, auto
from typing import final

__all__ = ["Fault"]


@final
class Fault(Flag):
    """What is known about an error; none of it for an error that is only about its statement."""

    OVERLOADED = auto()  # a dial found no free slot
    HOPELESS = auto()  # a dial cannot succeed before somebody changes something
    TRANSIENT = auto()  # a dial may succeed in a moment
    LOST = auto()  # the connection is gone
    FAILOVER = auto()  # the other connections of the pool are no better
    UNSENT = auto()  # the server did not run the statement that met this error
