"""Pages about ratings: a report that is one file, and a live view over HTTP. Both are clients of the aggregator."""
