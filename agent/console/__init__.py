"""The console: a local web page where people answer alerts, rate sounds and word descriptions.

A process of its own beside the agent. It reads the same database, follows the box by MQTT like
any dashboard, and gives verdicts by the one path that there is (``cmd/verdict``), so that it can
fail without taking the listening down. starlette and uvicorn live here and nowhere else.
"""
