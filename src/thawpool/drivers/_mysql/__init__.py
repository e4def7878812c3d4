"""What belongs to MySQL and MariaDB, whatever the driver.

The verdict on a statement's text is ``stateful``, and of its transaction ``opens_transaction`` and
``ends_transaction``; what an error means is ``classify`` and ``explain``.
"""

from __future__ import annotations

from .._faults import Fault
from .errors import DOUBTFUL, ROLLED_BACK, classify, condemns, explain, from_server, unsent
from .sent import stateful_as_sent
from .statements import ends_transaction, opens_transaction, stateful

__all__ = [
    "DOUBTFUL",
    "ROLLED_BACK",
    "Fault",
    "classify",
    "condemns",
    "ends_transaction",
    "explain",
    "from_server",
    "opens_transaction",
    "stateful",
    "stateful_as_sent",
    "unsent",
]
