"""What the documentation site holds beside docs/: the reference, made from the code it is of."""
