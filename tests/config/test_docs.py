"""The pages on options and URLs name what there is, with its default."""

from __future__ import annotations

import re
from pathlib import Path

from thawpool._url import drivers, mysql_words, params, postgresql_words
from thawpool.config import DEFAULTS

DOCS = Path(__file__).parents[2] / "docs"


def test_options_names_every_option_with_its_default() -> None:
    page = (DOCS / "options.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \|", page, re.MULTILINE)
    expected = {name: repr(value).replace("'", '"') for name, value in DEFAULTS.items()}
    assert dict(rows) == {"url": "None", **expected}
    assert not [name for name in expected if f"**`{name}`**" not in page]


def test_urls_names_every_parameter() -> None:
    page = (DOCS / "urls.md").read_text(encoding="utf-8").split("## Parameters")[1]
    named = set(re.findall(r"`([\w-]+)`", page.lower()))
    groups = [
        group
        for words in (postgresql_words, mysql_words)
        for group in (words.TYPED, words.EXTRA, words.UNDERSTOOD, words.FOREIGN)
    ]
    assert not [name for group in (*groups, params._REFUSED) for name in group if name not in named]


def test_both_pages_name_every_driver() -> None:
    urls, options = ((DOCS / name).read_text(encoding="utf-8") for name in ("urls.md", "options.md"))
    assert not [name for name in drivers.DRIVERS if f"+{name}://`" not in urls or f"`{name}`" not in options]
    assert not [name for name in drivers.ALIASES if f"`{name}`" not in urls]


def test_urls_names_every_character_set() -> None:
    page = (DOCS / "urls.md").read_text(encoding="utf-8")
    assert not [name for name in mysql_words.CHARSETS if f"`{name}`" not in page]
