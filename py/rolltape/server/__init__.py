"""The host side: serves the page and its runtime."""
