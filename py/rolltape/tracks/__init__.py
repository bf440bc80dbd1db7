"""From recordings to tracks that are in step: how clocks ran apart, and which sample of which file goes where."""
