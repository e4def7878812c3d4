"""The pages on options and URLs name what there is, with its default."""

from __future__ import annotations

import re
from pathlib import Path

from thawpool._url import params
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
    groups = (params._TYPED, params._EXTRA, params._UNDERSTOOD, params._FOREIGN, params._REFUSED)
    mysql = (params._MYSQL_TYPED, params._MYSQL_EXTRA, params._MYSQL_UNDERSTOOD, params._MYSQL_FOREIGN)
    assert not [name for group in groups + mysql for name in group if name not in named]
