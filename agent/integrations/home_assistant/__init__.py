"""This box as a device in Home Assistant: MQTT device discovery, and nothing but the contract."""
