"""Where this process runs."""

from __future__ import annotations

import pytest

from thawpool.platforms import LOCAL, Platform, detect


@pytest.mark.parametrize(
    "environ, expected",
    [
        ({}, LOCAL),
        ({"AWS_REGION": "eu-west-1", "VERCEL": ""}, LOCAL),
        ({"AWS_LAMBDA_FUNCTION_NAME": "f"}, Platform("aws_lambda", True, 900.0)),
        (
            {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"},
            Platform("aws_lambda", True, 900.0),
        ),
        (
            {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances"},
            Platform("aws_lambda", False, 900.0),
        ),
        ({"VERCEL": "1"}, Platform("vercel", True, 800.0)),
        ({"VERCEL": "1", "AWS_LAMBDA_FUNCTION_NAME": "f"}, Platform("vercel", True, 800.0)),
        ({"K_SERVICE": "s"}, Platform("gcp_cloud_run", True, 3600.0)),
        ({"FUNCTION_TARGET": "main"}, Platform("gcp_cloud_run", True, 3600.0)),
        ({"FUNCTIONS_WORKER_RUNTIME": "python"}, Platform("azure_functions", False, 600.0)),
    ],
)
def test_the_environment_tells(environ: dict[str, str], expected: Platform) -> None:
    assert detect(environ) == expected
