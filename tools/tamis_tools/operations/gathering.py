"""The first step of every operation: sources in, documents out, checked and off the event loop."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from tamis_engine.errors import EngineError
from tamis_engine.protocol import DEFAULT_MODEL
from tamis_tools.errors import BadArgument
from tamis_tools.handles import recall
from tamis_tools.sources import Reading, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis_tools.document import Document
    from tamis_tools.handles import HandleStore
    from tamis_tools.pace import Pace
    from tamis_tools.workspace import Workspace


async def gather(
    workspace: Workspace, sources: Sequence[str], pace: Pace, *, named: bool = True, model: str = DEFAULT_MODEL
) -> Reading:
    """Read the sources in a worker thread, while the `model` is loaded; a caller that leaves is noticed between files.

    Those that are not `named` by the caller (what was pending in an earlier call) are skipped where they have gone.
    """
    with anyio.move_on_after(0), suppress(EngineError):
        await workspace.engine.ready(model)  # begins to load; nobody waits for it yet
    work = partial(read, sources, workspace.scope, pace, recall(workspace.handles), named=named)
    reading = await to_thread.run_sync(work)
    if not any(source.startswith("@") for source in sources):
        return reading
    notes = await to_thread.run_sync(changed, workspace.handles, reading.documents)
    return replace(reading, notes=(*reading.notes, *notes))


def changed(handles: HandleStore, documents: Sequence[Document]) -> tuple[str, ...]:
    """What to say of kept originals whose files are different by now."""
    differ = [document.address for document in documents if handles.changed(document)]
    if not differ:
        return ()
    more = f" and {len(differ) - 1} more" if len(differ) > 1 else ""
    return (f"{differ[0]}{more} changed since it was read; this is what was read then. Name the file to read it anew.",)


def required(name: str, value: str, example: str) -> str:
    """The value without surrounding white space; an empty one is an error that shows how it is meant."""
    if not value.strip():
        raise BadArgument(f"{name} is empty. Say in a sentence what you need to know, e.g. {name}={example!r}.")
    return value.strip()
