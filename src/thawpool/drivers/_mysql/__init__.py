"""What belongs to MySQL and MariaDB, whatever the driver.

The verdict on a statement's text is ``stateful``; what an error means is ``classify`` and ``explain``.
"""

from __future__ import annotations

from .._faults import Fault
from .errors import ROLLED_BACK, classify, condemns, explain, unsent

__all__ = ["ROLLED_BACK", "Fault", "classify", "condemns", "explain", "unsent"]
