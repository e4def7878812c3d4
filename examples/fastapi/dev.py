"""Run the app on this machine, and again whenever a file is saved: python dev.py

Without DATABASE_URL (or POSTGRES_URL, or MYSQL_URL) it starts a PostgreSQL of its own, with 120 users that are gone
when it ends. Ctrl-C ends both.
"""

import asyncio
import os
import sys
from contextlib import ExitStack

import uvicorn
from seed import main as seed

from thawpool.config import URL_VARIABLES


def run() -> None:
    with ExitStack() as stack:
        if not any(os.environ.get(name, "").strip() for name in URL_VARIABLES):
            from thawpool.testing.postgres import Postgres

            print("no DATABASE_URL: starting a PostgreSQL with temporary data", flush=True)
            os.environ["DATABASE_URL"] = stack.enter_context(Postgres()).url()
            asyncio.run(seed())
        uvicorn.run("app:app", port=int(os.environ.get("PORT", "8000")), reload=True)


if __name__ == "__main__":
    try:
        run()
    except KeyboardInterrupt:
        sys.exit(130)
    except FileNotFoundError as error:  # no PostgreSQL here; it says what to install
        sys.exit(str(error))
