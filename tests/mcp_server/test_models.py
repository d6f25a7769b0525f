"""The lines that describe models."""

from __future__ import annotations

from dataclasses import replace

from tamis_engine.protocol import ModelStatus
from tamis_mcp_server.models import table

PLAIN = ModelStatus("small", "absent", 384, 256, 91_000_000, "Apache-2.0")


def test_a_line_says_what_a_model_is_and_does() -> None:
    busy = ModelStatus("judge-of-pairs", "resident", 0, 8_192, 1_234_000_000, "MIT", ("score",), False, True, "cuda:0")
    assert table([PLAIN, busy]).splitlines() == [
        "model           state                     abilities  dimensions  max tokens  memory  on disk  licence",
        "small           absent                    dense      384         256         91 MB   yes      Apache-2.0",
        "judge-of-pairs  resident, pinned, cuda:0  score                  8192        1.2 GB  no       MIT",
    ]


def test_what_is_not_known_is_empty_and_why_a_load_failed_stands_below() -> None:
    lines = table([replace(PLAIN, footprint_bytes=0, failure="the disk is full."), PLAIN]).splitlines()
    assert lines[1].split() == ["small", "absent", "dense", "384", "256", "yes", "Apache-2.0"]
    assert lines[3:] == ["small: the disk is full."]
