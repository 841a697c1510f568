"""The live view: leaderboards and games over HTTP, kept current by WatchRatings. Read-only."""
