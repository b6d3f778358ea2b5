"""Tells people what happened and reminds them: the only place with names and addresses."""
