"""What the data manager does: storage, providers, validation, workflows."""
