"""Fine-tuning: the loop and the small objects it calls."""
