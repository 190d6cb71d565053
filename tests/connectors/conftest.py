"""The real servers, for the end-to-end tests here."""

from tests.servers import aimock, aimock_server, llama

__all__ = ["aimock", "aimock_server", "llama"]
