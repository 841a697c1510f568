"""Face-offs: the chance that the taker wins."""
