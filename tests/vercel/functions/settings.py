"""What a test tells its function: ``DATABASE_URL``, and the pool's options as JSON in ``POOL``."""

from __future__ import annotations

import json
import os
from typing import Any

__all__ = ["MARKED", "OPTIONS", "PID", "SLEEP"]

OPTIONS: dict[str, Any] = json.loads(os.environ.get("POOL", "{}"))

#: Work for so long, and say whose it was.
MARKED = "SELECT pg_sleep(%s)::text AS slept, %s::text AS mark"
if os.environ["DATABASE_URL"].startswith("mysql"):
    PID = "SELECT CONNECTION_ID() AS pid"
    SLEEP = "SELECT SLEEP(%s) AS slept"
else:
    PID = "SELECT pg_backend_pid() AS pid"
    SLEEP = "SELECT pg_sleep(%s)::text AS slept"
