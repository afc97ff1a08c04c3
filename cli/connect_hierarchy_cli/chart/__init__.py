"""A hierarchy as a picture: one HTML file to browse, one SVG to show."""
