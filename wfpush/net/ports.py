"""Ports of this machine."""

import socket


class PortTaken(Exception):
    """Raised for a port on which nothing can listen. The message is for the person at the terminal."""


def check_port(host: str, port: int, variable: str) -> None:
    """Raise PortTaken if the port is in use. The message names `variable` as the way to choose another."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as fault:
            raise PortTaken(
                f"Port {port} on {host} is in use or not allowed ({fault.strerror}). Choose another: {variable}."
            ) from fault
