"""Detections to alerts and messages; verdicts of people."""
