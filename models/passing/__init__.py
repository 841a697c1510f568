"""The passing model: the law of yards gained of a pass, given everything up to its release."""
