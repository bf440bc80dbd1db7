"""Container formats on bytes: what recordings are made of, read and written without any I/O."""
