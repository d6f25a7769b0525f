"""The engine as a process: how it is started, found, spoken to and shared by all clients of a machine."""
