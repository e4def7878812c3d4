"""The check: it runs what the reader wrote against a server, and tells what that did and where.

``server`` is the database and its own count of connections; ``answer`` is the reader's file in a process of
its own, which ``nursery`` forks and whose inside is ``child``; ``steps`` judges by both, over a ``trial``; ``complaints`` has
the words; ``run`` is the command.
"""

from __future__ import annotations
