"""The featurizer's work, pure: windows, normalisation, features. Knows neither gRPC nor protobuf."""
