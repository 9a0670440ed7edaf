"""The joint training: settings, batches, the objective and its losses, the trainer."""
