"""Names for the demo's table: the same on every run, and from more than one alphabet."""

from __future__ import annotations

__all__ = ["people"]

GIVEN = (
    "Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Alan", "Katherine", "Kurt", "Radia",
    "Zoë", "Søren", "Łucja", "Ángel", "Noor", "Priya", "Yuki", "Dmitri", "Chinwe", "Leilani",
    "Мария", "Νίκος", "小红", "さくら", "지민",
)  # fmt: skip
FAMILY = ("Thaw", "Winter", "Frost", "Sommer", "Brook", "Snow", "Lindqvist", "Iceland", "O'Neill", "Reyes")


def people(count: int) -> list[tuple[str, str]]:
    """``count`` names with an address each; every address is different and none can receive mail."""
    found = []
    for number in range(count):
        given, family = GIVEN[number % len(GIVEN)], FAMILY[(number * 7 + number // len(GIVEN)) % len(FAMILY)]
        found.append((f"{given} {family}", f"user{number + 1:02}@example.com"))
    return found
