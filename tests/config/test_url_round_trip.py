"""Whatever is percent-encoded properly is read back as it was."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from thawpool._url import Target, parse_url
from thawpool._url.server_options import read_settings, with_search_path
from thawpool.errors import ConfigError

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
names = st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True)
ports = st.integers(1, 65535)


def q(plain: str) -> str:
    return quote(plain, safe="")


@given(user=text, password=text, database=text, host=names, port=ports)
def test_user_password_and_database(user: str, password: str, database: str, host: str, port: int) -> None:
    assume(database != "/")
    url = f"postgresql://{q(user)}:{q(password)}@{host}:{port}/{q(database)}"
    try:
        target = parse_url(url, is_async=False)
    except ConfigError as error:
        assert "placeholder" in str(error)  # noqa: PT017 - a password such as "***" is refused on purpose
        return
    assert (target.user, target.password, target.database) == (user, password, database)
    assert target.hosts == ((host, port),)


@given(user=text, password=text, database=text)
def test_the_same_as_parameters(user: str, password: str, database: str) -> None:
    url = f"postgresql://h/?user={q(user)}&password={q(password)}&dbname={q(database)}"
    try:
        target = parse_url(url, is_async=False)
    except ConfigError as error:
        assert "placeholder" in str(error)  # noqa: PT017
        return
    assert (target.user, target.password, target.database) == (user, password, database)


@given(hosts=st.lists(st.tuples(names, ports), min_size=1, max_size=4))
def test_hosts_keep_their_order_and_ports(hosts: list[tuple[str, int]]) -> None:
    hostlist = ",".join(f"{host}:{port}" for host, port in hosts)
    assert parse_url(f"postgresql://{hostlist}/db", is_async=False).hosts == tuple(hosts)


@given(name=text)
def test_a_free_text_parameter(name: str) -> None:
    assert parse_url(f"postgresql://h/db?application_name={q(name)}", is_async=False).application_name == name


@given(schema=text)
def test_a_schema_is_one_quoted_name(schema: str) -> None:
    quoted = '"' + schema.replace('"', '""') + '"'
    assert read_settings(with_search_path("-c a=b", schema)) == {"a": "b", "search_path": quoted}


@given(url=st.text(max_size=60) | st.text(":/@?&=%#,[]ab1", max_size=40).map("postgresql://".__add__))
def test_any_text_is_a_target_or_a_config_error(url: str) -> None:
    try:
        assert isinstance(parse_url(url, is_async=False), Target)
    except ConfigError as error:
        assert str(error).startswith("url: ")  # noqa: PT017


@given(password=st.text("abc:/@?&=%#,[]1 ", min_size=1, max_size=12).map(lambda tail: "hunter2" + tail))
def test_a_password_pasted_as_it_is_is_understood_or_never_shown(password: str) -> None:
    try:
        target = parse_url(f"postgresql://app:{password}@db.example.com:5432/db", is_async=False)
    except ConfigError as error:
        assert "hunter2" not in str(error)  # noqa: PT017
        return
    assert target.hosts == (("db.example.com", 5432),)
    assert "hunter2" not in repr(target)
    # What was meant to be encoded is decoded; otherwise it is the password itself.
    assert target.password == password or "%" in password


def test_reading_is_not_lenient_about_utf8() -> None:
    with pytest.raises(ConfigError, match="does not give UTF-8"):
        parse_url("postgresql://app:%C3@h/db", is_async=False)
