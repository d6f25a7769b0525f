"""The lines that describe models."""

from __future__ import annotations

from dataclasses import replace

from tamis_engine.protocol import ANY_LENGTH_TOKENS, ModelStatus
from tamis_mcp_server.models import table

PLAIN = ModelStatus("small", "absent", 384, 256, 91_000_000, "Apache-2.0", on_disk=False, what_for="English")
BUSY = ModelStatus("judge-of-pairs", "resident", 0, 8_192, 1_234_000_000, "MIT", ("score",), False, True, "cuda:0", 2)


def test_what_is_in_memory_stands_first_and_what_would_be_downloaded_last() -> None:
    idle = replace(PLAIN, name="idle", on_disk=True, max_tokens=ANY_LENGTH_TOKENS, footprint_bytes=8_000)
    assert table([PLAIN, idle, BUSY]).splitlines() == [
        "On this machine:",
        "model           abilities  dimensions  max tokens  memory  licence     state",
        "judge-of-pairs  score                  8192        1.2 GB  MIT         resident, pinned, cuda:0, 2 waiting",
        "idle            dense      384         any         8 kB    Apache-2.0  absent",
        "",
        "Downloaded when first used:",
        "model  abilities  dimensions  max tokens  size   licence     for",
        "small  dense      384         256         91 MB  Apache-2.0  English",
    ]


def test_what_is_not_known_is_empty_and_why_a_load_failed_stands_below_all() -> None:
    failed = replace(PLAIN, on_disk=True, footprint_bytes=0, failure="the disk is full.")
    odd = ModelStatus("me/odd", "absent", 0, 0, 0, "", abilities=(), failure="Model 'me/odd' can't be used: it is odd.")
    assert table([failed, odd]).splitlines()[1:] == [
        "model  abilities  dimensions  max tokens  memory  licence     state",
        "small  dense      384         256                 Apache-2.0  absent",
        "",
        "Failed lately:",
        "small: the disk is full.",
        "Model 'me/odd' can't be used: it is odd.",
    ]
