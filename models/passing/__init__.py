"""The passing model: the distribution of the yards that a pass gains, given everything up to its release."""
