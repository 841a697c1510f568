"""What is installed, exactly: one lock for each use, made from `pyproject.toml`."""
