"""What the API says of escalations."""
