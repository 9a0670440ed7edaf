"""What the joint training learns from: recordings, captions, labelled pairs and ratings."""
