"""The border to the browser: the only modules that import `js`. They hold no rules."""
