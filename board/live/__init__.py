"""The live view: leaderboards and games over HTTP, moved by WatchRatings, read-only."""
