"""What works on this machine: `checks` looks at what is installed, `trials` runs parts of Tamis for real."""

from tamis_mcp_server.doctor.finding import Check, Finding, Status

__all__ = ["Check", "Finding", "Status"]
