"""A report: one HTML file about a player, a team, a season or a game, that needs nothing else."""
