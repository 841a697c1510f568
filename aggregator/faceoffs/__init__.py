"""Face-offs: what splits can be made by, and wins above expected."""
