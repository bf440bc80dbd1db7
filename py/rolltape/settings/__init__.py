"""What is asked for: links, bitrates, codecs, capture constraints, orders."""
