"""Adds Tamis to the configuration of other people's clients and takes it out again; the rest stays as it is.

What is written is decided by pure functions (`plan`), which `files` carries out.
"""

from tamis_mcp_server.install.clients import CLIENTS, Client
from tamis_mcp_server.install.errors import InstallError
from tamis_mcp_server.install.machine import Machine

__all__ = ["CLIENTS", "Client", "InstallError", "Machine"]
