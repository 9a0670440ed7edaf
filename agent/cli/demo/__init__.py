"""``kikimimi demo``: a factory scene, or a microphone, with a live view."""
