"""Files, folders, globs, handles, small texts and pages, read into documents: inside the roots, and no secrets."""

from tamis_tools.sources.loading import raw_sha256
from tamis_tools.sources.reading import Reading, read

__all__ = ["Reading", "raw_sha256", "read"]
