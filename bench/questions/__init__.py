"""What is asked: one module for each question, in the order of the report."""

from __future__ import annotations

from ..sampling import Question
from . import cold, drivers, lease, restart, scale, thaw, throughput, users_api

__all__ = ["QUESTIONS"]

# The users API comes last: its servers, and their connections, stay until the run ends.
QUESTIONS: tuple[Question, ...] = (lease, throughput, drivers, scale, cold, thaw, restart, users_api)
