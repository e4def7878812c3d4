"""URLs that cannot work: what is said, and what is never said."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from thawpool._url import parse_url, target_from_parts
from thawpool.errors import ConfigError

EXAMPLE = "postgresql://user:password@host:5432/database"
AMBIGUOUS = (
    "it can be read in more than one way; percent-encode reserved characters in the user and the password: "
    "@ as %40, / as %2F, ? as %3F, # as %23, % as %25"
)
SETTING = "A setting of the server is written options=-c%20name%3Dvalue"
HOST = (
    "the host or the port in it is not valid; write user:password@host:port, percent-encode reserved characters "
    "in the user and the password (@ as %40), and put IPv6 addresses in brackets"
)
MODES = "disable, allow, prefer, require, verify-ca, verify-full"
COLLATION = (
    "the collation is none of the character set {}: write its name, as in collation=utf8mb4_unicode_ci, or leave it "
    "to the server"
)
POSTGRESQL = "psycopg, psycopg2 or pg8000"
MYSQL = "pymysql, mysqlclient or mysqlconnector"
MYSQL_ASYNC = "asyncmy or aiomysql"
THERE_ARE = (
    "psycopg, psycopg2, pg8000 for PostgreSQL, pymysql, mysqlclient, mysqlconnector for MySQL and MariaDB"
)
WHOLE = [
    ("", f"it is empty; write {EXAMPLE}"),
    (" '' ", f"it is empty; write {EXAMPLE}"),
    ("DATABASE_URL=", f"it is empty; write {EXAMPLE}"),
    ("app:hunter2@h/db", f"it has no scheme; write {EXAMPLE}"),
    ("hunter2", f"it has no scheme; write {EXAMPLE}"),
    ("app:hunter2://h/db", f"it has no scheme; write {EXAMPLE}"),
    (
        "host=h user=app password=hunter2 dbname=db",
        f"it is libpq's keyword form (host=... dbname=...); write it as a URL: {EXAMPLE}",
    ),
    (
        "jdbc:postgresql://h/db?user=app&password=hunter2",
        f"it is Java's form; drop 'jdbc:' and put the user and the password before the host: {EXAMPLE}",
    ),
    (
        "jdbc:mysql://h/db?user=app&password=hunter2",
        (
            "it is Java's form; drop 'jdbc:' and put the user and the password before the host: "
            "mysql://user:password@host:3306/database"
        ),
    ),
    (
        "prisma://accelerate.prisma-data.net/?api_key=hunter2",
        (
            "prisma:// leads to Prisma's HTTP proxy, which only Prisma's own client speaks to; use the database's "
            "direct URL, which begins with postgres://"
        ),
    ),
    (
        "prisma+postgres://accelerate.prisma-data.net/?api_key=hunter2",
        (
            "prisma+postgres:// leads to Prisma's HTTP proxy, which only Prisma's own client speaks to; use the "
            "database's direct URL, which begins with postgres://"
        ),
    ),
    (
        "sqlite:///hunter2.db",
        (
            "the scheme sqlite:// is not known; known are postgresql://, postgres://, mysql:// and mariadb://, and with a "
            "driver postgresql+psycopg://, postgresql+asyncpg://, mysql+pymysql://, mysql+asyncmy://"
        ),
    ),
    (
        "postgresql://app:hunter2@h/d\nb",
        "there is a line break or another control character in it; write it on one line",
    ),
    ("postgresql://app:hunter2\udcff@h/db", "it is not valid UTF-8; percent-encode what is not ASCII"),
    (
        "postgresql://app:hunter2%FF@h/db",
        "its percent-encoding does not give UTF-8; encode the UTF-8 bytes",
    ),
    ("postgresql://app:hunter2%00@h/db", "there is a %00 in it, which no server accepts"),
    (
        "postgresql://app:[YOUR-PASSWORD]@h/db",
        "the password is a placeholder; put the real one there, percent-encoded",
    ),
    ("postgresql://app:***@h/db", "the password is a placeholder; put the real one there, percent-encoded"),
]
AUTHORITY = [
    ("postgresql://app:12/hunter2@h/db", AMBIGUOUS),
    ("postgresql://app:a@hunter2/x@h/db", AMBIGUOUS),
    ("postgresql://app/hunter2@h/db", AMBIGUOUS),
    ("postgresql://app:hun/ter2@h/db?application_name=a@b", AMBIGUOUS),
    ("postgresql://app:hunter2@h:port/db", HOST),
    ("postgresql://app:hunter2@${PGHOST}/db", HOST),
    ("postgresql://app:hunter2@::1:5432/db", HOST),
    ("postgresql://app:hunter2@h:123456/db", HOST),
    ("postgresql://app:hunter2@h:0/db", "a port is not one of 1 to 65535"),
    ("postgresql://app:hunter2@h:65536/db", "a port is not one of 1 to 65535"),
    (
        "postgresql://app:hunter2@/db?host=a b",
        "a host is not valid: write a name, an address or a socket's directory, and a port",
    ),
    (
        "postgresql://app:hunter2@a,b,c/db?port=1,2",
        "there are 3 hosts and 2 ports; give one port, or one for each host",
    ),
    (
        "postgresql://app:hunter2@h/db?port=x",
        "port: give a number from 1 to 65535, or one for each host with a comma between",
    ),
]
PARAMETERS = [
    ("sslmod=require", f"the parameter 'sslmod' is not known; did you mean sslmode? {SETTING}"),
    ("sslMode=require", f"the parameter 'sslMode' is not known; did you mean sslmode? {SETTING}"),
    ("statement_timeout=5", f"the parameter 'statement_timeout' is not known; {SETTING}"),
    ("zzz=1", f"the parameter 'zzz' is not known; {SETTING}"),
    ("sslmode", "a parameter in it has no value; write name=value, and & between two of them"),
    (
        "a%20b=1",
        "a parameter's name in it is not valid; percent-encode & as %26 and = as %3D in values",
    ),
    ("sslmode=on", f"sslmode='on' is not one of {MODES}"),
    ("ssl=maybe", f"sslmode='maybe' is not one of {MODES}"),
    ("sslmode=%20%20", f"sslmode=that is not one of {MODES}"),
    ("sslmode=require&sslrootcert=system", "sslrootcert=system needs sslmode=verify-full, not 'require'"),
    ("sslaccept=maybe", "sslaccept: write strict, or sslmode=verify-full instead"),
    ("channel_binding=on", "channel_binding='on' is not one of disable, prefer, require"),
    (
        "target_session_attrs=master",
        "target_session_attrs='master' is not one of any, read-write, read-only, primary, standby, prefer-standby",
    ),
    ("connect_timeout=10s", "connect_timeout: give a number of seconds"),
    ("connect_timeout=nan", "connect_timeout: give a number of seconds"),
    ("connect_timeout=inf", "connect_timeout: give a number of seconds"),
    ("hostaddr=1.2.3.4", "the parameter hostaddr cannot be used: put the address where the host is"),
    (
        "service=main",
        "the parameter service cannot be used: thawpool reads no service file; put the host, user and database in the URL",
    ),
    (
        "replication=database",
        "the parameter replication cannot be used: a replication connection cannot be pooled; open it with the driver",
    ),
    (
        "load_balance_hosts=random",
        "the parameter load_balance_hosts cannot be used: thawpool tries the hosts in the order of the URL",
    ),
    (
        "sslidentity=client.p12",
        "the parameter sslidentity cannot be used: convert the PKCS #12 file to PEM and give sslcert and sslkey",
    ),
    (
        "sslkeylogfile=/tmp/k",
        (
            "the parameter sslkeylogfile cannot be used: it would give the connection's keys away; set it only with the "
            "driver itself"
        ),
    ),
    (
        "sslmode=require&hunter2=x@h",
        (
            "it can be read in more than one way, or a parameter is not known; percent-encode @ as %40, ? as %3F and / "
            "as %2F in the user, the password and the parameters"
        ),
    ),
]


@pytest.fixture(autouse=True)
def nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What is refused is said in the error, and nowhere else."""
    with caplog.at_level(logging.DEBUG):
        yield
    assert caplog.text == ""


def refusal(url: str, *, driver: str | None = None, is_async: bool = False) -> str:
    """What is said about ``url``, after making sure that its secret is in no part of the error."""
    with pytest.raises(ConfigError) as caught:
        parse_url(url, driver=driver, is_async=is_async, source="DATABASE_URL")
    assert caught.value.__context__ is None
    assert "hunter2" not in repr(caught.value)
    message = str(caught.value)
    assert message.startswith("DATABASE_URL: ")
    return message.removeprefix("DATABASE_URL: ")


@pytest.mark.parametrize("url, message", WHOLE + AUTHORITY)
def test_what_is_said_about_a_url(url: str, message: str) -> None:
    assert refusal(url) == message


@pytest.mark.parametrize("query, message", PARAMETERS)
def test_what_is_said_about_a_parameter(query: str, message: str) -> None:
    assert refusal(f"postgresql://app:hunter2@h/db?{query}") == message


SET = "A setting of the server is made by a SET statement in the option configure"


@pytest.mark.parametrize(
    "query, message",
    [
        ("schema=x", f"the parameter 'schema' is not known; {SET}"),
        ("init_command=SET", f"the parameter 'init_command' is not known; {SET}"),
        (
            "connectTimeout=10000",
            f"the parameter 'connecttimeout' is not known; did you mean connect_timeout? {SET}",
        ),
        (
            "charset=utf8mb5",
            "charset: there is no such character set; did you mean utf8mb4? utf8mb4 serves all texts",
        ),
        ("charset=hunter2", "charset: there is no such character set; utf8mb4 serves all texts"),
        ("charset=latin1&collation=utf8mb4_bin", COLLATION.format("latin1")),
        ("collation=utf8mb4_bin;drop", COLLATION.format("utf8mb4")),
        ("collation=general", COLLATION.format("utf8mb4")),
        ("ssl_verify_cert=maybe", "ssl_verify_cert: write true or false, or sslmode= with one of the modes"),
        ("tls=custom", "tls: write true or false, or sslmode= with one of the modes"),
        ("ssl=Amazon%20RDS", f"sslmode='amazonrds' is not one of {MODES}"),
        ("ssl-mode=VERIFY_CA&ssl-ca=system", "sslrootcert=system needs sslmode=verify-full, not 'verify-ca'"),
    ],
)
def test_what_is_said_about_a_parameter_of_mysql(query: str, message: str) -> None:
    assert refusal(f"mysql://app:hunter2@h/db?{query}") == message


@pytest.mark.parametrize(
    "url, driver, is_async, message",
    [
        ("postgresql+asyncpg://h/db", None, False, f"asyncpg is for asyncio: use it with AsyncPool, or {POSTGRESQL} with Pool"),
        ("postgresql://h/db", "asyncpg", False, f"asyncpg is for asyncio: use it with AsyncPool, or {POSTGRESQL} with Pool"),
        ("mysql+asyncmy://h/db", None, False, f"asyncmy is for asyncio: use it with AsyncPool, or {MYSQL} with Pool"),
        ("mysql+aiomysql://h/db", None, False, f"aiomysql is for asyncio: use it with AsyncPool, or {MYSQL} with Pool"),
        ("mysql+mysqldb://h/db", None, True, f"mysqlclient is for threads: use it with Pool, or {MYSQL_ASYNC} with AsyncPool"),
        ("postgresql+psycopg2://h/db", None, True, "psycopg2 is for threads: use it with Pool, or psycopg or asyncpg with AsyncPool"),
        ("postgresql+pgg8000://h/db", None, False, f"there is no driver 'pgg8000': did you mean pg8000? There are {THERE_ARE}"),
        ("mysql+mariadbconn://h/db", "mysqlclint", False, "it names the driver 'mariadbconn', and driver='mysqlclint' another one; drop one of the two"),
        ("mysql+oursql://h/db", None, False, f"there is no driver 'oursql': choose one of {THERE_ARE}"),
        ("postgresql+pymysql://h/db", None, False, f"pymysql is a driver for MySQL and MariaDB, and the URL begins with postgresql://: use {POSTGRESQL}"),
        ("mysql://h/db", "psycopg", False, f"psycopg is a driver for PostgreSQL, and the URL begins with mysql://: use {MYSQL}"),
        ("mysql://h/db", "psycopg", True, f"psycopg is a driver for PostgreSQL, and the URL begins with mysql://: use {MYSQL_ASYNC}"),
        (
            "postgresql+psycopg://h/db",
            "asyncpg",
            True,
            "it names the driver 'psycopg', and driver='asyncpg' another one; drop one of the two",
        ),
    ],
)  # fmt: skip
def test_what_is_said_about_a_driver(url: str, driver: str | None, is_async: bool, message: str) -> None:
    assert refusal(url, driver=driver, is_async=is_async) == message


def test_parts_name_a_driver_that_fits_the_pool() -> None:
    with pytest.raises(ConfigError, match="asyncpg is for asyncio: use it with AsyncPool"):
        target_from_parts(driver="asyncpg", host="h", is_async=False)
