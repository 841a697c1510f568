"""The pages of the documentation that are made from code: contracts, Python API, settings."""
