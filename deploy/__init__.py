"""How playscore runs: Triton's model repository, the local stack, images, Kubernetes, dashboards and alerts."""
