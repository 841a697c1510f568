"""What callers of playscore install: contracts, client, the mathematics of the score, the command line."""
