"""What ratings are made against, and how well they tell true skill."""
