"""Make the table of users, and 120 of them if it is empty: python seed.py

It works on what DATABASE_URL names, and changes nothing that is there.
"""

import asyncio
import sys

from thawpool import AsyncPool, PoolError

PEOPLE = [(f"User {number}", f"user{number}@example.com") for number in range(1, 121)]


async def seed(pool: AsyncPool) -> int:
    """Returns how many users were added."""
    version = await pool.query_one("SELECT version() AS text")
    assert version is not None
    # Not every MariaDB's default: else an emoji does not fit, and é is e to UNIQUE.
    characters = (
        "" if version["text"].startswith("PostgreSQL") else "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    )
    # SERIAL is a number that counts up by itself on every server.
    await pool.execute(
        "CREATE TABLE IF NOT EXISTS users (id SERIAL PRIMARY KEY, name VARCHAR(100) NOT NULL,"
        f" email VARCHAR(254) NOT NULL UNIQUE) {characters}"
    )
    async with pool.transaction() as tx:
        if await tx.query_one("SELECT id FROM users LIMIT 1"):
            return 0
        for person in PEOPLE:
            await tx.execute("INSERT INTO users (name, email) VALUES (%s, %s)", person)
    return len(PEOPLE)


async def main() -> None:
    async with AsyncPool(max_size=1) as pool:
        print(f"added {await seed(pool)} users")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except PoolError as error:
        sys.exit(f"seed: {error}")
