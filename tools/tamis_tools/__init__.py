"""What an agent asks for, in terms of text and tokens: read, cut, rank, select, keep. No MCP, no torch."""
