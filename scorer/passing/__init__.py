"""The passing score: how the yards of a pass rank in the distribution of what was to be expected."""
