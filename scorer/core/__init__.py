"""What scoring plays has in common for every task: batches, inference behind a port, the models being served."""
