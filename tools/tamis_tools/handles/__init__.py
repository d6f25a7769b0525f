"""Where originals are kept, so that nothing left out is lost: on disk, by content, for a day or more."""

from tamis_tools.handles.record import Shown
from tamis_tools.handles.references import Target, recall, resolve
from tamis_tools.handles.retention import Retention
from tamis_tools.handles.store import HandleStore, Kept, default_folder

__all__ = ["HandleStore", "Kept", "Retention", "Shown", "Target", "default_folder", "recall", "resolve"]
