"""What every task shares: segments, the stream of a game, outcomes. Pure: neither gRPC nor protobuf, and no sport."""
