"""A hierarchy as a picture: an HTML file to browse, or an SVG to show."""
