"""The running box: pipeline, commands, reporter, health, systemd."""
