"""What pages are made of: elements, charts, the way numbers read, and the page's own style and script."""
