"""The lesson in the terminal, ``thawpool learn``: an API route over a pool in four steps, then ten questions.

``text/`` holds all that is taught, ``check/`` runs what the reader wrote, the rest shows one and keeps the other.
"""

from __future__ import annotations
