"""Container formats on bytes (WebM, MP4, Ogg, WAV): read and written without any I/O."""
