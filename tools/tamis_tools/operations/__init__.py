"""What an agent asks for; each is `async (workspace, request, pace) -> Answer`."""
