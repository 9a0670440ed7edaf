"""Scores to detections."""
