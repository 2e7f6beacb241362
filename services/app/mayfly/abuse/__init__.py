"""Reports by people, and blocks by the operator: of senders, and of content by its hash."""
