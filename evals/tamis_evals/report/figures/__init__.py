"""The pictures of a report, a module a question. matplotlib is imported when the first one is drawn."""
