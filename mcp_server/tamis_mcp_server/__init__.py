"""What an agent sees: the tools, the transport, the installers and the command line."""

__version__ = "0.1.0"
