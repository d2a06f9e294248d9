"""Updates: a signed bundle becomes a release beside the one that runs, or nothing has happened."""
