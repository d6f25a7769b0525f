"""What a passage says of a field, and what is known by how it is written: values with their exact places."""
