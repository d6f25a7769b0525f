"""The command line: the tools for people and scripts, `doctor` and `install`."""

from tamis_mcp_server.cli.app import main

__all__ = ["main"]
