"""The cache benchmark."""
