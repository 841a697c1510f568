"""The whole of playscore on one machine: Triton, the services, and the demo that plays games through them."""
