"""Learned image augmentation: schedules, the engine that applies them, and the search that finds them."""
