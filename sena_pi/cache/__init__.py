"""The response cache: answers and their speech, on the card, and written as seldom as can be."""
