"""The live feed over NATS JetStream: sources publish to it, workers share its games (docs/live_feed.md)."""
