"""Which reader answers: the one that is shipped, or a model behind an endpoint."""

from __future__ import annotations

import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tamis_evals.readers.endpoint import Endpoint, EndpointReader, Prices
from tamis_evals.readers.extractive import ExtractiveReader

KEY = "TAMIS_READER_KEY"


def reader(url: str, model: str, answers: Path) -> AbstractAsyncContextManager[ExtractiveReader | EndpointReader]:
    """The model behind `url`, its answers kept in `answers`; the extractive reader where there is no URL.

    The key of the endpoint comes from the environment. Raises `ValueError` for a URL without a model.
    """
    if not url:
        return ExtractiveReader()
    if not model:
        raise ValueError("--reader-url needs --model, the name of the model to ask there.")
    return EndpointReader(Endpoint(url, model, os.environ.get(KEY, "")), answers)


def prices(text: str) -> Prices | None:
    """From "READ,CACHED,WRITTEN" in dollars for a million tokens; None from nothing. Raises `ValueError`."""
    if not text:
        return None
    try:
        read, cached, written = (float(each) for each in text.split(","))
    except ValueError:
        raise ValueError(f"--prices is {text!r}. Give dollars for a million tokens, as in 2.00,0.50,8.00.") from None
    return Prices(read, cached, written)
