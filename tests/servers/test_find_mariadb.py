"""Where MariaDB and MySQL are looked for, and what is said where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from thawpool.testing._binaries import Account
from thawpool.testing._home import home
from thawpool.testing.mariadb import MariaDB, find_mariadb, find_mysql


def program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)
    return folder


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THAWPOOL_MARIADB_BIN", str(program(tmp_path, "mysqld")))
    assert find_mariadb() == tmp_path


def test_an_environment_that_names_no_server_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THAWPOOL_MARIADB_BIN", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"{tmp_path} holds no mariadbd.*THAWPOOL_MARIADB_BIN"):
        find_mariadb()


def test_mariadb_goes_before_mysql_wherever_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mysql, mariadb = program(tmp_path / "a", "mysqld"), program(tmp_path / "b", "mariadbd")
    monkeypatch.delenv("THAWPOOL_MARIADB_BIN", raising=False)
    monkeypatch.setenv("PATH", f"{mysql}:{mariadb}")
    assert find_mariadb() == mariadb


def test_nothing_found_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THAWPOOL_MARIADB_BIN", raising=False)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    for ask in (find_mariadb, MariaDB):
        with pytest.raises(FileNotFoundError, match=r"apt-get install mariadb-server.*brew install mariadb"):
            ask()


def test_programs_closed_to_the_servers_user_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = program(tmp_path / "closed", "mariadbd")
    closed.chmod(0o700)
    monkeypatch.setattr(home(), "account", Account(65534, 65534))
    with pytest.raises(PermissionError, match="install it where everybody may read"):
        MariaDB(closed)


def test_mysql_is_where_its_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, on_path = program(tmp_path / "a", "mysqld"), program(tmp_path / "b", "mysqld")
    monkeypatch.setenv("PATH", str(on_path))
    monkeypatch.delenv("THAWPOOL_MYSQL_BIN", raising=False)
    assert find_mysql() == on_path
    monkeypatch.setenv("THAWPOOL_MYSQL_BIN", str(named))
    assert find_mysql() == named


def test_mariadb_under_the_name_of_mysql_is_not_mysql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = program(tmp_path, "mariadbd") / "mysqld"
    link.symlink_to("mariadbd")
    monkeypatch.delenv("THAWPOOL_MYSQL_BIN", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"no MySQL server on the PATH, {link} is MariaDB: install"):
        find_mysql()


def test_a_variable_that_names_no_mysql_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program(tmp_path / "unused", "mysqld")))
    monkeypatch.setenv("THAWPOOL_MYSQL_BIN", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"no MySQL server in THAWPOOL_MYSQL_BIN={tmp_path}: install"):
        find_mysql()
