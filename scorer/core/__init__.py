"""The work of the scorer: batches, inference behind a port, grading. No gRPC, no protobuf, no Triton."""
