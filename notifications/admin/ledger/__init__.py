"""What happened: events, tasks, deliveries, answers, and why."""
