"""Creates the table ``users`` where DATABASE_URL leads, if it is missing, and fills it. Running it again changes nothing.

npm run seed              150 users
npm run seed -- 100000    as many as you like
"""

import argparse
import asyncio
import sys
from pathlib import Path

from thawpool import AsyncPool

SCHEMA = Path(__file__).resolve().parent.parent / "schema"
USERS = 150
MOST = 1_000_000
AT_ONCE = 500

# A page must show these as they are.
CURIOUS = (
    'Ada "Countess" Lovelace',
    "Miles O'Brien",
    "<b>Bobby</b> <script>alert(1)</script>",
    "Zoë Frost 🧊",
    "%s & {0}",
)
GIVEN = (
    "Grace", "Edsger", "Barbara", "Donald", "Frances", "Alan", "Katherine", "Kurt", "Radia", "Søren", "Łucja", "Ángel",
    "Noor", "Priya", "Yuki", "Dmitri", "Chinwe", "Leilani", "Мария", "Νίκος", "小红", "さくら", "지민",
)  # fmt: skip
FAMILY = ("Winter", "Thaw", "Sommer", "Brook", "Snow", "Lindqvist", "Iceland", "Reyes", "Hale", "Rivers")


def person(number: int) -> tuple[str, str]:
    """Name and email of one user: always the same, and nobody's."""
    if number < len(CURIOUS):
        name = CURIOUS[number]
    else:
        name = f"{GIVEN[number % len(GIVEN)]} {FAMILY[number * 7 // len(GIVEN) % len(FAMILY)]}"
    return name, f"user{number + 1}@example.com"


async def seed(pool: AsyncPool, count: int = USERS) -> int:
    """Create what is missing of the table and of the first ``count`` users. Returns how many users it added."""
    version = await pool.query_one("SELECT version() AS version")
    assert version is not None
    system = "postgresql" if version["version"].startswith("PostgreSQL") else "mysql"
    await pool.execute((SCHEMA / f"{system}.sql").read_text())
    there = {
        row["email"]
        for row in await pool.query("SELECT email FROM users WHERE email LIKE 'user%@example.com'")
    }
    missing = [person for person in map(person, range(count)) if person[1] not in there]
    for start in range(0, len(missing), AT_ONCE):
        rows = missing[start : start + AT_ONCE]
        values = ", ".join(["(%s, %s)"] * len(rows))
        await pool.execute(
            f"INSERT INTO users (name, email) VALUES {values}", [text for row in rows for text in row]
        )
        show_progress(start + len(rows), len(missing))
    return len(missing)


def show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty() and total > AT_ONCE:
        print(
            f"\r{done:,} of {total:,} users", end="\n" if done == total else "", file=sys.stderr, flush=True
        )


async def main() -> None:
    parser = argparse.ArgumentParser(
        prog="npm run seed --", description="Create the table users if it is missing, and fill it."
    )
    parser.add_argument(
        "count",
        nargs="?",
        type=int,
        default=USERS,
        help="how many users there shall be (default: %(default)s)",
    )
    count = parser.parse_args().count
    if not 1 <= count <= MOST:
        parser.error(f"{count} is out of range: between 1 and {MOST:,}")
    async with AsyncPool(max_size=1) as pool:
        try:
            added = await seed(pool, count)
        # The pool's, or of whichever driver: a table of that name may have other columns.
        except Exception as error:
            sys.exit(f"seed: {error}")
    print(
        f"{added:,} users added, {count - added:,} were there."
        if added
        else f"All {count:,} users are there."
    )


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit("seed: stopped; what is in stays, and running it again adds the rest")
