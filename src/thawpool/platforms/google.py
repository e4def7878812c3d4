"""Google Cloud Run, its functions included: no CPU between requests."""

from __future__ import annotations

from collections.abc import Mapping

from .base import Platform

__all__ = ["platform"]


def platform(environ: Mapping[str, str]) -> Platform:
    # https://cloud.google.com/run/docs/configuring/request-timeout (3600 s); no CPU between requests:
    # https://cloud.google.com/run/docs/configuring/billing-settings
    return Platform("gcp_cloud_run", freezes=True, longest_request=3600.0)
