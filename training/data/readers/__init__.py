"""One reader a data set: what was published in, a manifest out."""
