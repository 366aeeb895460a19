"""Live frames the usual way: a Channels group a person, `group_send` over Redis pub/sub, daphne; nothing is stored."""
