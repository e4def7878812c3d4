"""The pure heart of the pool: every decision, and no I/O, clock, lock, randomness or log."""
