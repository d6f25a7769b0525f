"""Any engine as an HTTP service: our own shapes, and those that clients of others speak already."""
