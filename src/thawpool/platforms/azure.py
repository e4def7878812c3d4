"""Azure Functions: not frozen while it lives."""

from __future__ import annotations

from collections.abc import Mapping

from .base import Platform

__all__ = ["platform"]


def platform(environ: Mapping[str, str]) -> Platform:
    # https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout (600 s on Consumption)
    return Platform("azure_functions", freezes=False, longest_request=600.0)
