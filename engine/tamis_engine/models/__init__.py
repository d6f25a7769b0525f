"""Which models there are and what each needs: read from its own files, never from its code."""
