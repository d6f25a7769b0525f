"""The tables of a report, a module a question; each is built from a frame alone."""
