"""What can go wrong between an agent's words and an answer; each message says what to do next.

TamisError
├── BadArgument        a value that can't be used, with what can
├── SourceError        a source that can't be read
│   ├── SourceNotFound     nothing there; near matches are named
│   ├── OutsideRoots       not inside the folders that the user opened
│   ├── SecretRefused      looks like a credential
│   ├── SourceTooLarge     over a stated cap
│   └── NothingReadable    sources exist, none could be read
└── HandleError        a handle that is unknown, expired or damaged
"""


class TamisError(Exception):
    """Any failure that the caller can do something about. The message is meant for the model to read."""


class BadArgument(TamisError):
    """A value that can't be used, with what can."""


class SourceError(TamisError):
    """A source that can't be read."""


class SourceNotFound(SourceError):
    """Nothing there; near matches are named."""


class OutsideRoots(SourceError):
    """Not inside the folders that the user opened."""


class SecretRefused(SourceError):
    """Looks like a credential."""


class SourceTooLarge(SourceError):
    """Over a stated cap."""


class NothingReadable(SourceError):
    """Sources exist, none could be read."""


class HandleError(TamisError):
    """A handle that is unknown, expired or damaged."""
