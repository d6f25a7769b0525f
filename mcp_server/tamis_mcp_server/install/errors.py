"""Why a configuration was left as it is.

InstallError
├── Unreadable    the file is not what its client would accept, so nothing is written
└── Contended     another program changed the file while we worked
"""


class InstallError(Exception):
    """The configuration was not changed; the message says why and what to do."""


class Unreadable(InstallError):
    """The file is not what its client would accept."""


class Contended(InstallError):
    """Another program changed the file while we worked."""
