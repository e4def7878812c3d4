"""Forms of URLs that no provider shows, but people and other tools write, and what each one means."""

from __future__ import annotations

from typing import Final

from tests.config.pasted_urls import PASSWORD as PW
from tests.config.pasted_urls import REQUIRE, Case, pg

__all__ = ["FORMS"]

FORMS: Final = [
    Case(
        "local-socket",
        f"postgresql:///db?host=/var/run/postgresql&port=5433&user=app&password={PW}",
        pg("/var/run/postgresql", 5433),
    ),
    Case("local", f"postgresql://app:{PW}@localhost/db", pg("localhost")),
    Case("no-host", f"postgresql://app:{PW}@/db", pg("localhost")),
    Case("ipv4", f"postgresql://app:{PW}@10.0.0.7:6432/db", pg("10.0.0.7", 6432)),
    Case("ipv6", f"postgresql://app:{PW}@[2600:1f18::7]:5433/db", pg("2600:1f18::7", 5433)),
    Case("ipv6-default-port", f"postgresql://app:{PW}@[::1]/db", pg("::1")),
    Case("ipv6-zone", f"postgresql://app:{PW}@[fe80::1%25eth0]/db", pg("fe80::1%eth0")),
    Case("ipv6-parameter", f"postgresql://app:{PW}@/db?host=::1", pg("::1")),
    Case(
        "hosts-as-parameters",
        f"postgresql://app:{PW}@/db?host=a,b&port=5432,5433&target_session_attrs=prefer-standby",
        {**pg("a", target_session_attrs="prefer-standby"), "hosts": (("a", 5432), ("b", 5433))},
        {"target_session_attrs": "prefer-standby"},
    ),
    Case(
        "one-port-for-all-hosts",
        f"postgresql://app:{PW}@a,[::2]/db?port=6000",
        {**pg("a"), "hosts": (("a", 6000), ("::2", 6000))},
    ),
    Case("trailing-slash", f"postgresql://app:{PW}@h/db/", pg("h")),
    Case("driver-named", f"postgresql+psycopg://app:{PW}@h/db", pg("h")),
    Case("upper-case-scheme", f"POSTGRESQL://app:{PW}@h/db", pg("h")),
    Case("exported", f"export DATABASE_URL='postgresql://app:{PW}@h/db'", pg("h")),
    Case(
        "everything-of-libpq",
        f"postgresql://app:{PW}@h/db?application_name=my%20app&connect_timeout=3&keepalives=1&keepalives_idle=5"
        "&gssencmode=disable&krbsrvname=pg&sslcert=c.pem&sslkey=k.pem&sslrootcert=r.pem&sslmode=verify-ca"
        "&channel_binding=prefer&require_auth=scram-sha-256",
        pg(
            "h",
            application_name="my app",
            connect_timeout=3.0,
            sslcert="c.pem",
            sslkey="k.pem",
            sslrootcert="r.pem",
            sslmode="verify-ca",
            channel_binding="prefer",
            extra={
                "keepalives": "1",
                "keepalives_idle": "5",
                "gssencmode": "disable",
                "krbsrvname": "pg",
                "require_auth": "scram-sha-256",
            },
        ),
        {
            "application_name": "my app",
            "sslcert": "c.pem",
            "sslkey": "k.pem",
            "sslrootcert": "r.pem",
            "sslmode": "verify-ca",
            "channel_binding": "prefer",
            "keepalives": "1",
            "keepalives_idle": "5",
            "gssencmode": "disable",
            "krbsrvname": "pg",
            "require_auth": "scram-sha-256",
        },
    ),
    Case(
        "settings",
        f"postgresql://app:{PW}@h/db?options=-c%20statement_timeout%3D5s%20--idle-session-timeout=1min%20-cLock_Timeout=2s",
        pg(
            "h",
            options="-c statement_timeout=5s --idle-session-timeout=1min -cLock_Timeout=2s",
            settings={"statement_timeout": "5s", "idle_session_timeout": "1min", "lock_timeout": "2s"},
        ),
        {"options": "-c statement_timeout=5s --idle-session-timeout=1min -cLock_Timeout=2s"},
    ),
    Case(
        "options-that-set-nothing",
        f"postgresql://app:{PW}@h/db?options=-e%20%20-c%20%20-d%5C%203%20--flag%20",
        pg("h", options="-e  -c  -d\\ 3 --flag "),
        {"options": "-e  -c  -d\\ 3 --flag "},
    ),
    Case(
        "settings-from-a-web-form",
        f"postgresql://app:{PW}@h/db?options=-c+statement_timeout%3D5s+-c+work_mem%3D8MB",
        pg(
            "h",
            options="-c statement_timeout=5s -c work_mem=8MB",
            settings={"statement_timeout": "5s", "work_mem": "8MB"},
        ),
        {"options": "-c statement_timeout=5s -c work_mem=8MB"},
    ),
    Case(
        "node-postgres",
        f"postgres://app:{PW}@h/db?sslmode=no-verify&uselibpqcompat=true",
        pg("h", **REQUIRE),
        REQUIRE,
        dropped=("uselibpqcompat",),
    ),
    Case("sqlalchemy-asyncpg-ssl", f"postgresql://app:{PW}@h/db?ssl=verify-full", pg("h", sslmode="verify-full")),
    Case(
        "pgx",
        f"postgres://app:{PW}@h/db?pool_max_conns=10&default_query_exec_mode=simple_protocol",
        pg("h"),
        dropped=("default_query_exec_mode", "pool_max_conns"),
    ),
    Case("timeout-for-ever", f"postgresql://app:{PW}@h/db?connect_timeout=0", pg("h", connect_timeout=5.0)),
    Case("empty-values", f"postgresql://app:{PW}@h/db?sslmode=&application_name=&", pg("h")),
    Case("stronger-demand-holds", f"postgresql://app:{PW}@h/db?sslmode=disable&ssl=true", pg("h", **REQUIRE), REQUIRE),
    Case("own-search-path", f"postgresql://app:{PW}@h/db?schema=a&options=-csearch_path=b", pg(
        "h", options="-csearch_path=b", settings={"search_path": "b"}
    )),
    Case("at-in-a-parameter", f"postgresql://app:{PW}@h/db?application_name=me@home", pg("h", application_name="me@home")),
    Case("at-in-a-parameter-only", f"postgresql://h/db?application_name=me@home&user=app&password={PW}", pg(
        "h", application_name="me@home"
    )),
]  # fmt: skip
