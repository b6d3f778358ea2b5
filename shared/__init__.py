"""What the three services have in common, and nothing that only one of them needs."""
