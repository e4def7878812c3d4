"""Who we are here, for the drivers that do not find out themselves."""

from __future__ import annotations

from ..errors import ConfigError

__all__ = ["user_name"]


def user_name() -> str:
    """The operating system's name for us, which a URL without a user means.

    Raises:
        ConfigError: it has none, as in some containers.
    """
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # OSError from 3.13 on
        raise ConfigError(
            "the URL names no user, and the operating system has no name for us: add user@"
        ) from None
