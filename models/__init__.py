"""Networks, training, evaluation and releases, on torch. No service imports this package."""
