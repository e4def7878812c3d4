"""thawpool in web frameworks: an invocation for every request, and the pool's errors as answers.

Built on the public names alone, so what is here could as well be yours:

* ``http``: what each error is over HTTP
* ``asgi``: Starlette, FastAPI, any ASGI app
* ``wsgi``: Flask, any WSGI app
* ``http_server``: ``BaseHTTPRequestHandler``, which Vercel's functions are
"""
