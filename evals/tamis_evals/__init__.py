"""Quality as context grows, and speed side by side."""
