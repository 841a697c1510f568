"""What ratings are measured against, and how well they recover true skill."""
