"""The command `tamis`: the server by the shortest way, everything else through the command line."""

import sys


def main() -> None:
    """Entry point of the console script."""
    command, arguments = sys.argv[1:2], sys.argv[2:]
    if command == ["mcp"]:
        # a client waits for this answer: nothing of the command line is imported on the way
        from tamis_mcp_server.settings import parse
        from tamis_mcp_server.stdio import run_stdio

        run_stdio(parse(arguments))
    else:
        from tamis_mcp_server.cli import main as command_line

        command_line(sys.argv[1:])


if __name__ == "__main__":
    main()
