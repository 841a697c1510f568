"""The model of face-offs: who wins them."""
