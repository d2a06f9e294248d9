"""One vendor library a module, each behind a Protocol of ."""
