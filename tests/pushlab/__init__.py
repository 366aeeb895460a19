"""Push services, browsers and a desktop on loopback: all that a push message meets on its way to a person."""
