"""How clocks ran apart: from a page's clock to the room's, and from a file's samples to the page's."""
