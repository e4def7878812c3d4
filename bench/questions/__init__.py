"""What is asked: one module for each question, in the order of the report."""

from __future__ import annotations

from ..sampling import Question
from . import cold, drivers, example, lease, middleware, restart, scale, thaw, throughput, users_api

__all__ = ["QUESTIONS"]

QUESTIONS: tuple[Question, ...] = (
    lease, throughput, drivers, scale, cold, thaw, restart, users_api, middleware, example,
)  # fmt: skip
