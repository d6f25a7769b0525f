"""Tables, pictures and one page from a folder of records."""

from tamis_evals.report.build import NoRecords, build
from tamis_evals.report.extras import ExtraMissing

__all__ = ["ExtraMissing", "NoRecords", "build"]
