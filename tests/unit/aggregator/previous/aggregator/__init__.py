"""The aggregator: scores in, ratings of any split out."""
