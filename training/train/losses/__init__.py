"""What the joint training minimises: ratings as lists, labels as pairs, and the two weighed."""
