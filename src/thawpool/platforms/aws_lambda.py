"""AWS Lambda: one request at a time, and frozen at the instant at which it ends."""

from __future__ import annotations

from collections.abc import Mapping

from .base import Platform

__all__ = ["platform"]


def platform(environ: Mapping[str, str]) -> Platform:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html (900 s). Managed Instances
    # are not frozen: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html
    managed = environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "lambda-managed-instances"
    return Platform("aws_lambda", freezes=not managed, longest_request=900.0)
