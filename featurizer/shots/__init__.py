"""Hockey shots: puck, players and events in; the factors of each chance out."""
