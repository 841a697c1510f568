"""The aggregator's work: splits, ratings, and the ports it needs. No gRPC, no protobuf."""
