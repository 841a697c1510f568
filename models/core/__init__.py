"""What training, judging and releasing share between tasks."""
