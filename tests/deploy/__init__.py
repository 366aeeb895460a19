"""The files of `deploy/`, tried: database, units of systemd, nginx in front of two web processes, backup."""
