"""What is asked: one module for each question, in the order of the report."""

from __future__ import annotations

from ..sampling import Question
from . import cold, lease, restart, scale, thaw, throughput, users_api

__all__ = ["QUESTIONS"]

QUESTIONS: tuple[Question, ...] = (lease, throughput, scale, users_api, cold, thaw, restart)
