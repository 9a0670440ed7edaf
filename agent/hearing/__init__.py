"""Windows to detections: the one place that joins the stages, live or on files."""
