"""Hockey face-offs: what is known before the drop."""
