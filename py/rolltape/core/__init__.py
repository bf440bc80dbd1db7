"""What every other folder builds on: errors, notices, names, clocks, JSON from elsewhere."""
