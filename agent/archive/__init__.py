"""Archives of recordings: heard once from end to end (scan), and searched by text or sound."""
