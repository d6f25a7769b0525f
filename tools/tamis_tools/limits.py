"""The caps that every call keeps, as one value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on what one call reads, how long it takes and how much it answers."""

    max_files: int = 10_000
    max_file_bytes: int = 16 * 1024 * 1024
    max_total_bytes: int = 128 * 1024 * 1024
    max_inline_tokens: int = 2_000
    max_url_bytes: int = 8 * 1024 * 1024
    url_seconds: float = 15.0
    call_seconds: float = 45.0
    min_budget_tokens: int = 100
    max_result_tokens: int = 8_000
    engine_wait_seconds: float = 10.0
