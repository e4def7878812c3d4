"""Where this process runs, told by the environment variables that each platform sets.

Read when a pool is first used, not at import: Azure's worker, for one, replaces the environment after
the interpreter has started.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["LOCAL", "Platform", "detect"]


class Platform(NamedTuple):
    """What a pool needs to know of a platform.

    Attributes:
        name: ``cloud.platform`` in OpenTelemetry's words, ``"vercel"``, or ``"local"``.
        freezes: whether the process is stopped, or gets no CPU, between requests. Timers and threads
            then do not run, so only the server can end an idle session.
        longest_request: seconds after which the platform ends any request; None where nothing does.
    """

    name: str
    freezes: bool
    longest_request: float | None


LOCAL: Final = Platform("local", freezes=False, longest_request=None)


def detect(environ: Mapping[str, str]) -> Platform:
    """Tell the platform from ``environ``; ``LOCAL`` where none of its marks is set."""
    # Vercel comes first: some of its functions run on Lambda and show Lambda's variables too.
    # https://vercel.com/docs/functions/configuring-functions/duration (800 s, with Fluid compute)
    if environ.get("VERCEL"):
        return Platform("vercel", freezes=True, longest_request=800.0)
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html (900 s). Managed Instances
    # are not frozen: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html
    if environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        managed = environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "lambda-managed-instances"
        return Platform("aws_lambda", freezes=not managed, longest_request=900.0)
    # https://cloud.google.com/run/docs/configuring/request-timeout (3600 s); no CPU between requests:
    # https://cloud.google.com/run/docs/configuring/billing-settings
    if environ.get("K_SERVICE") or environ.get("FUNCTION_TARGET"):
        return Platform("gcp_cloud_run", freezes=True, longest_request=3600.0)
    # https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout (600 s on Consumption)
    if environ.get("FUNCTIONS_WORKER_RUNTIME"):
        return Platform("azure_functions", freezes=False, longest_request=600.0)
    return LOCAL
