"""``thawpool demo``: a page on which to freeze, starve and break a pool, and to watch it recover.

Two processes. The *function* (``function.py``, run by ``worker.py``) is what a user would deploy: an ASGI
app with one pool at module scope. The *supervisor* (``supervisor.py``) stands in for the platform: it runs,
freezes and restarts the function, passes ``/api/*`` on to it, watches its pool from inside and the server
from outside, and serves the page. ``run.py`` starts it all and leaves nothing behind.
"""
