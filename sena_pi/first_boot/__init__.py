"""What a person wrote on the card with a PC is taken over at a start; and factory reset."""
