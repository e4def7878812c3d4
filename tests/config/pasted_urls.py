"""Database URLs as providers show them, and what each one means."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

__all__ = ["MYSQL", "PASSWORD", "POSTGRESQL", "Case"]

PASSWORD: Final = "s3cr3t"
PW: Final = PASSWORD


class Case(NamedTuple):
    """A URL, the Target's attributes that are not defaults, and libpq's keywords beyond user and dbname."""

    name: str
    url: str
    expected: dict[str, Any]
    libpq: dict[str, str] = {}  # noqa: RUF012 - a NamedTuple's default, never changed
    dropped: tuple[str, ...] = ()


def pg(
    host: str, port: int = 5432, user: str = "app", database: str | None = "db", **more: Any
) -> dict[str, Any]:
    return {"hosts": ((host, port),), "user": user, "password": PW, "database": database, **more}


REQUIRE: dict[str, Any] = {"sslmode": "require"}
STRICT: dict[str, Any] = {"sslmode": "verify-full", "sslrootcert": "system"}

POSTGRESQL = [
    Case(
        "neon",
        f"postgresql://neondb_owner:{PW}@ep-cool-darkness-123456.us-east-2.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
        pg(
            "ep-cool-darkness-123456.us-east-2.aws.neon.tech",
            user="neondb_owner",
            database="neondb",
            channel_binding="require",
            **REQUIRE,
        ),
        {"channel_binding": "require", **REQUIRE},
    ),
    Case(
        "neon-psql-line",
        f"psql 'postgresql://app:{PW}@ep-x-pooler.eu-central-1.aws.neon.tech/db?sslmode=require'\n",
        pg("ep-x-pooler.eu-central-1.aws.neon.tech", **REQUIRE),
        REQUIRE,
    ),
    Case(
        "neon-endpoint-option",
        f"postgresql://app:{PW}@ep-x.aws.neon.tech/db?sslmode=require&options=endpoint%3Dep-x",
        pg("ep-x.aws.neon.tech", options="endpoint=ep-x", **REQUIRE),
        {"options": "endpoint=ep-x", **REQUIRE},
    ),
    Case(
        "neon-endpoint-option-raw",
        f"postgres://app:{PW}@ep-x.aws.neon.tech/db?options=endpoint=ep-x",
        pg("ep-x.aws.neon.tech", options="endpoint=ep-x"),
        {"options": "endpoint=ep-x"},
    ),
    Case(
        "supabase-direct",
        f"postgresql://postgres:{PW}@db.abcdefghijkl.supabase.co:5432/postgres",
        pg("db.abcdefghijkl.supabase.co", user="postgres", database="postgres"),
    ),
    Case(
        "supabase-session-pooler",
        f"postgresql://postgres.abcdefghijkl:{PW}@aws-0-eu-central-1.pooler.supabase.com:5432/postgres",
        pg("aws-0-eu-central-1.pooler.supabase.com", user="postgres.abcdefghijkl", database="postgres"),
    ),
    Case(
        "supabase-transaction-pooler",
        f"postgresql://postgres.abc:{PW}@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=1",
        pg("aws-0-eu-central-1.pooler.supabase.com", 6543, "postgres.abc", "postgres"),
        dropped=("connection_limit", "pgbouncer"),
    ),
    Case(
        "supabase-on-vercel",
        f"postgres://postgres.abc:{PW}@aws-0-us-east-1.pooler.supabase.com:6543/postgres?sslmode=require&supa=base-pooler.x",
        pg("aws-0-us-east-1.pooler.supabase.com", 6543, "postgres.abc", "postgres", **REQUIRE),
        REQUIRE,
        dropped=("supa",),
    ),
    Case(
        "supabase-on-vercel-workaround",
        f"postgres://postgres.abc:{PW}@aws-0-us-east-1.pooler.supabase.com:6543/postgres?workaround=supabase-pooler.vercel",
        pg("aws-0-us-east-1.pooler.supabase.com", 6543, "postgres.abc", "postgres"),
        dropped=("workaround",),
    ),
    Case(
        "vercel-postgres",
        f'POSTGRES_URL="postgres://default:{PW}@ep-x-pooler.us-east-1.aws.neon.tech:5432/verceldb?sslmode=require"',
        pg("ep-x-pooler.us-east-1.aws.neon.tech", user="default", database="verceldb", **REQUIRE),
        REQUIRE,
    ),
    Case(
        "vercel-postgres-for-prisma",
        f"postgres://app:{PW}@ep-x-pooler.aws.neon.tech/db?pgbouncer=true&connect_timeout=15&sslmode=require",
        pg("ep-x-pooler.aws.neon.tech", connect_timeout=15.0, **REQUIRE),
        REQUIRE,
        dropped=("pgbouncer",),
    ),
    Case(
        "heroku",
        f"postgres://u4f7:{PW}@ec2-54-1-2-3.compute-1.amazonaws.com:5432/d8abc",
        pg("ec2-54-1-2-3.compute-1.amazonaws.com", user="u4f7", database="d8abc"),
    ),
    Case(
        "heroku-ssl-true",
        f"postgres://app:{PW}@ec2-54-1-2-3.compute-1.amazonaws.com:5432/db?ssl=true",
        pg("ec2-54-1-2-3.compute-1.amazonaws.com", **REQUIRE),
        REQUIRE,
    ),
    Case(
        "railway-public",
        f"postgresql://postgres:{PW}@monorail.proxy.rlwy.net:35123/railway",
        pg("monorail.proxy.rlwy.net", 35123, "postgres", "railway"),
    ),
    Case(
        "railway-private",
        f"postgresql://postgres:{PW}@postgres.railway.internal:5432/railway",
        pg("postgres.railway.internal", user="postgres", database="railway"),
    ),
    Case(
        "rds-verified",
        f"postgresql://app:{PW}@prod.c1x.eu-west-1.rds.amazonaws.com:5432/db?sslmode=verify-full&sslrootcert=/var/task/global-bundle.pem",
        pg(
            "prod.c1x.eu-west-1.rds.amazonaws.com",
            sslmode="verify-full",
            sslrootcert="/var/task/global-bundle.pem",
        ),
        {"sslmode": "verify-full", "sslrootcert": "/var/task/global-bundle.pem"},
    ),
    Case(
        "rds-proxy",
        f"postgresql://app:{PW}@app.proxy-c1x.eu-west-1.rds.amazonaws.com/db?sslmode=require",
        pg("app.proxy-c1x.eu-west-1.rds.amazonaws.com", **REQUIRE),
        REQUIRE,
    ),
    Case(
        "rds-iam-without-password",
        "postgresql://app@prod.c1x.eu-west-1.rds.amazonaws.com/db?sslmode=require",
        {**pg("prod.c1x.eu-west-1.rds.amazonaws.com", **REQUIRE), "password": None},
        REQUIRE,
    ),
    Case(
        "aurora-two-hosts",
        f"postgresql://app:{PW}@w.cluster-x.rds.amazonaws.com:5432,r.cluster-ro-x.rds.amazonaws.com:5433/db?target_session_attrs=read-write",
        {
            **pg("w.cluster-x.rds.amazonaws.com", target_session_attrs="read-write"),
            "hosts": (("w.cluster-x.rds.amazonaws.com", 5432), ("r.cluster-ro-x.rds.amazonaws.com", 5433)),
        },
        {"target_session_attrs": "read-write"},
    ),
    Case(
        "prisma-postgres",
        f"postgres://2f9881cc:{PW}@db.prisma.io:5432/?sslmode=require",
        pg("db.prisma.io", user="2f9881cc", database=None, **REQUIRE),
        REQUIRE,
    ),
    Case(
        "prisma-schema",
        f"postgresql://app:{PW}@localhost:5432/db?schema=shop",
        pg("localhost", options='-c search_path="shop"', settings={"search_path": "shop"}),
        {"options": '-c search_path="shop"'},
    ),
    Case(
        "prisma-schema-public",
        f"postgresql://app:{PW}@localhost:5432/db?schema=public&connection_limit=5&pool_timeout=10&socket_timeout=3&statement_cache_size=0",
        pg("localhost"),
        dropped=("connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size"),
    ),
    Case(
        "prisma-strict",
        f"postgresql://app:{PW}@h/db?sslmode=require&sslaccept=strict",
        pg("h", **STRICT),
    ),
    Case(
        "prisma-strict-own-authority",
        f"postgresql://app:{PW}@h/db?sslmode=require&sslcert=ca.pem&sslaccept=strict",
        pg("h", sslmode="verify-full", sslrootcert="ca.pem"),
        {"sslmode": "verify-full", "sslrootcert": "ca.pem"},
    ),
    Case(
        "planetscale-postgres",
        f"postgresql://postgres.x7k:{PW}@x7k-useast1-1.horizon.psdb.cloud:6432/postgres?sslmode=verify-full&sslrootcert=system&sslnegotiation=direct",
        pg(
            "x7k-useast1-1.horizon.psdb.cloud",
            6432,
            "postgres.x7k",
            "postgres",
            extra={"sslnegotiation": "direct"},
            **STRICT,
        ),
    ),
    Case(
        "planetscale-postgres-replica",
        f"postgresql://postgres.x7k|replica:{PW}@x7k.horizon.psdb.cloud/postgres?sslrootcert=system",
        pg("x7k.horizon.psdb.cloud", user="postgres.x7k|replica", database="postgres", **STRICT),
    ),
    Case(
        "aiven",
        f"postgres://avnadmin:{PW}@pg-1a2b.aivencloud.com:28123/defaultdb?sslmode=require",
        pg("pg-1a2b.aivencloud.com", 28123, "avnadmin", "defaultdb", **REQUIRE),
        REQUIRE,
    ),
    Case(
        "digitalocean",
        f"  postgresql://doadmin:{PW}@db-nyc3-1-do-user-1-0.b.db.ondigitalocean.com:25060/defaultdb?sslmode=require  ",
        pg("db-nyc3-1-do-user-1-0.b.db.ondigitalocean.com", 25060, "doadmin", "defaultdb", **REQUIRE),
        REQUIRE,
    ),
    Case(
        "render-internal",
        f"postgresql://app:{PW}@dpg-abc123-a/db",
        pg("dpg-abc123-a"),
    ),
    Case(
        "render-external",
        f"postgres://app:{PW}@dpg-abc123-a.frankfurt-postgres.render.com/db",
        pg("dpg-abc123-a.frankfurt-postgres.render.com"),
    ),
    Case(
        "fly",
        f"postgres://app:{PW}@app-db.flycast:5432/db?sslmode=disable",
        pg("app-db.flycast", sslmode="disable"),
        {"sslmode": "disable"},
    ),
    Case(
        "cockroach",
        f"postgresql://app:{PW}@free-tier.gcp-us-central1.cockroachlabs.cloud:26257/defaultdb?sslmode=verify-full&options=--cluster%3Dlazy-fox-1",
        pg(
            "free-tier.gcp-us-central1.cockroachlabs.cloud",
            26257,
            database="defaultdb",
            sslmode="verify-full",
            options="--cluster=lazy-fox-1",
            settings={"cluster": "lazy-fox-1"},
        ),
        {"sslmode": "verify-full", "options": "--cluster=lazy-fox-1"},
    ),
    Case(
        "azure-unescaped-user",
        f"postgres://app@myserver:{PW}@myserver.postgres.database.azure.com/db?sslmode=require",
        pg("myserver.postgres.database.azure.com", user="app@myserver", **REQUIRE),
        REQUIRE,
    ),
    Case(
        "cloud-sql-socket",
        f"postgresql://app:{PW}@/db?host=/cloudsql/my-project:europe-west1:main",
        pg("/cloudsql/my-project:europe-west1:main"),
    ),
    Case(
        "cloud-sql-socket-encoded",
        f"postgresql://app:{PW}@%2Fcloudsql%2Fmy-project%3Aeurope-west1%3Amain/db",
        pg("/cloudsql/my-project:europe-west1:main"),
    ),
    Case(
        "prisma-cloud-sql-socket",
        f"postgresql://app:{PW}@localhost/db?host=/cloudsql/p:r:i",
        pg("/cloudsql/p:r:i"),
    ),
]  # fmt: skip

MYSQL = [
    Case(
        "planetscale-mysql",
        f'mysql://app:{PW}@aws.connect.psdb.cloud/db?ssl={{"rejectUnauthorized":true}}',
        pg("aws.connect.psdb.cloud", 3306, **STRICT),
    ),
    Case(
        "planetscale-prisma",
        f"mysql://app:{PW}@aws.connect.psdb.cloud/db?sslaccept=strict",
        pg("aws.connect.psdb.cloud", 3306, **STRICT),
    ),
    Case(
        "aiven-mysql",
        f"mysql://avnadmin:{PW}@mysql-1a2b.aivencloud.com:28123/defaultdb?ssl-mode=REQUIRED",
        pg("mysql-1a2b.aivencloud.com", 28123, "avnadmin", "defaultdb", **REQUIRE),
    ),
    Case(
        "digitalocean-mysql",
        f"mysql://doadmin:{PW}@db.b.db.ondigitalocean.com:25060/defaultdb?ssl-mode=VERIFY_CA&ssl-ca=/ca.pem",
        pg(
            "db.b.db.ondigitalocean.com",
            25060,
            "doadmin",
            "defaultdb",
            sslmode="verify-ca",
            sslrootcert="/ca.pem",
        ),
    ),
    Case(
        "planetscale-percent-encoded",
        f"mysql://app:{PW}@aws.connect.psdb.cloud/db?ssl=%7B%22rejectUnauthorized%22%3Atrue%7D",
        pg("aws.connect.psdb.cloud", 3306, **STRICT),
    ),
    Case(
        "planetscale-go",
        f"mysql://app:{PW}@aws.connect.psdb.cloud/db?tls=true&interpolateParams=true",
        pg("aws.connect.psdb.cloud", 3306, sslmode="verify-full"),
        dropped=("interpolateparams",),
    ),
    Case(
        "planetscale-mysqlclient",
        f"mysql://app:{PW}@aws.connect.psdb.cloud:3306/db?ssl_mode=VERIFY_IDENTITY&ssl_ca=/etc/ssl/cert.pem",
        pg("aws.connect.psdb.cloud", 3306, sslmode="verify-full", sslrootcert="/etc/ssl/cert.pem"),
    ),
    Case(
        "tidb-node",
        f'mysql://2abc.root:{PW}@gateway01.us-west-2.prod.aws.tidbcloud.com:4000/test?ssl={{"minVersion":"TLSv1.2","rejectUnauthorized":true}}',
        pg("gateway01.us-west-2.prod.aws.tidbcloud.com", 4000, "2abc.root", "test", **STRICT),
    ),
    Case(
        "tidb-prisma",
        f"mysql://2abc.root:{PW}@gateway01.eu-central-1.prod.aws.tidbcloud.com:4000/test?sslaccept=strict",
        pg("gateway01.eu-central-1.prod.aws.tidbcloud.com", 4000, "2abc.root", "test", **STRICT),
    ),
    Case(
        "tidb-sqlalchemy",
        f"mysql+pymysql://2abc.root:{PW}@gateway01.prod.aws.tidbcloud.com:4000/test?ssl_ca=/etc/ssl/cert.pem&ssl_verify_cert=true&ssl_verify_identity=true",
        pg(
            "gateway01.prod.aws.tidbcloud.com",
            4000,
            "2abc.root",
            "test",
            sslmode="verify-full",
            sslrootcert="/etc/ssl/cert.pem",
        ),
    ),
    Case(
        "rds-mysql",
        f"mysql://admin:{PW}@prod.c1x.eu-west-1.rds.amazonaws.com:3306/db?ssl-ca=/var/task/global-bundle.pem&ssl-mode=VERIFY_IDENTITY",
        pg(
            "prod.c1x.eu-west-1.rds.amazonaws.com",
            3306,
            "admin",
            sslmode="verify-full",
            sslrootcert="/var/task/global-bundle.pem",
        ),
    ),
    Case(
        "azure-mysql-unescaped-user",
        f"mysql://app@myserver:{PW}@myserver.mysql.database.azure.com:3306/db?ssl-mode=require",
        pg("myserver.mysql.database.azure.com", 3306, "app@myserver", **REQUIRE),
    ),
    Case(
        "azure-mysql-from-java",
        f"mysql://app:{PW}@myserver.mysql.database.azure.com:3306/db?useSSL=true&requireSSL=false&serverTimezone=UTC",
        pg("myserver.mysql.database.azure.com", 3306, **REQUIRE),
        dropped=("servertimezone",),
    ),
    Case(
        "prisma-mysql-own-authority",
        f"mysql://app:{PW}@h:3306/db?sslcert=../server-ca.pem&sslaccept=strict&connection_limit=1",
        pg("h", 3306, sslmode="verify-full", sslrootcert="../server-ca.pem"),
        dropped=("connection_limit",),
    ),
    Case(
        "digitalocean-mysql-as-shown",
        f"mysql://doadmin:{PW}@db-mysql-nyc3-1-do-user-1-0.b.db.ondigitalocean.com:25060/defaultdb?ssl-mode=REQUIRED",
        pg("db-mysql-nyc3-1-do-user-1-0.b.db.ondigitalocean.com", 25060, "doadmin", "defaultdb", **REQUIRE),
    ),
    Case(
        "railway-mysql-private",
        f"mysql://root:{PW}@mysql.railway.internal:3306/railway",
        pg("mysql.railway.internal", 3306, "root", "railway"),
    ),
    Case(
        "jawsdb",
        f"mysql://app:{PW}@x3.chr7pe7iynqr.eu-west-1.rds.amazonaws.com:3306/db",
        pg("x3.chr7pe7iynqr.eu-west-1.rds.amazonaws.com", 3306),
    ),
    Case(
        "skysql",
        f"mariadb://dbpgf1:{PW}@serverless-eu.skysql.com:4001/db?ssl-verify-server-cert=true&ssl-ca=/skysql.pem",
        pg("serverless-eu.skysql.com", 4001, "dbpgf1", sslmode="verify-ca", sslrootcert="/skysql.pem"),
    ),
    Case(
        "mysql2-pool",
        f"mysql://app:{PW}@h/db?waitForConnections=true&connectionLimit=10&queueLimit=0&charset=utf8mb4_unicode_ci",
        pg("h", 3306, extra={"charset": "utf8mb4", "collation": "utf8mb4_unicode_ci"}),
        dropped=("connectionlimit", "queuelimit", "waitforconnections"),
    ),
    Case(
        "cloud-sql-mysql-socket",
        f"mysql://app:{PW}@localhost/db?socketPath=/cloudsql/my-project:europe-west1:main",
        pg("/cloudsql/my-project:europe-west1:main", 3306),
    ),
    Case(
        "cleardb",
        f"mysql://app:{PW}@us-cdbr-east-02.cleardb.com/db?reconnect=true",
        pg("us-cdbr-east-02.cleardb.com", 3306),
        dropped=("reconnect",),
    ),
    Case(
        "railway-mysql",
        f"mysql://root:{PW}@viaduct.proxy.rlwy.net:44123/railway",
        pg("viaduct.proxy.rlwy.net", 44123, "root", "railway"),
    ),
    Case("mariadb", f"mariadb+pymysql://app:{PW}@h/db?charset=utf8mb4", pg("h", 3306, extra={"charset": "utf8mb4"})),
    Case("mysql-socket", f"mysql://app:{PW}@localhost/db?unix_socket=/run/mysqld.sock", pg("/run/mysqld.sock", 3306)),
    Case("mysql-ssl-off-is-no-demand", f"mysql://app:{PW}@h/db?ssl=false", pg("h", 3306)),
]  # fmt: skip
