"""The card image: its parts in short tests, and the machine that the whole of it boots in."""
