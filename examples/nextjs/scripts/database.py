"""A PostgreSQL of our own with temporary data, for ``npm run dev`` without DATABASE_URL.

It prints its URL and lives until SIGTERM. The server does not outlive this process, whichever way that ends.
"""

import asyncio
import signal
import sys
import threading

from seed import USERS, seed

from thawpool import AsyncPool
from thawpool.testing import Postgres


async def fill(url: str) -> None:
    async with AsyncPool(url, max_size=1) as pool:
        await seed(pool, USERS)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        with Postgres() as server:
            asyncio.run(fill(server.url()))
            print(server.url(), flush=True)
            threading.Event().wait()
    except (OSError, RuntimeError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
