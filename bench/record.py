"""The results of a question on disk: written after every sample, so that an interrupted run keeps what it has."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .sampling import Results

__all__ = ["RESULTS", "Record"]

RESULTS = Path(__file__).resolve().parent / "results"


class Record:
    """One question's file."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self.path = path
        self.content = content

    @classmethod
    def new(cls, folder: Path, name: str, about: dict[str, Any]) -> Record:
        return cls(folder / f"{name}.json", {"question": name, **about, "samples": []})

    @classmethod
    def load(cls, folder: Path, name: str) -> Record | None:
        """The record of an earlier run, if there is one."""
        path = folder / f"{name}.json"
        return cls(path, json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    def add(self, **sample: Any) -> None:
        self.content["samples"].append(sample)
        self.save()

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(".json.tmp")
        unfinished.write_text(_dumps(self.content), encoding="utf-8")
        os.replace(unfinished, self.path)

    @property
    def results(self) -> Results:
        return Results(self.content["samples"])

    @property
    def rounds(self) -> int:
        """How many rounds were begun."""
        return max((each["round"] for each in self.content["samples"]), default=0)


def _dumps(content: dict[str, Any]) -> str:
    """JSON with a line for each sample: readable, and small in a diff."""
    head = json.dumps({**content, "samples": None}, indent=1, ensure_ascii=False)
    lines = ",\n  ".join(json.dumps(_rounded(each), ensure_ascii=False) for each in content["samples"])
    return head.replace('"samples": null', f'"samples": [\n  {lines}\n ]') + "\n"


def _rounded(value: Any) -> Any:
    """Figures with six digits that count: the rest is noise."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return value
