"""The model of shots: how likely a shot was to be a goal, and what made it so."""
