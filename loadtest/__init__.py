"""Load tests: simulated games at a pace that waits for nobody, and whether the budgets were kept."""
