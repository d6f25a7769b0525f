"""Small models that encode, score and extract, behind one protocol; knows nothing of MCP or of files."""
