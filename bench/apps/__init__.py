"""Web apps that answer ``GET /api/users`` with fifty users, each on one pool, as its users write them."""
