"""Who is measured: how each is started, and its configuration for a scenario."""
