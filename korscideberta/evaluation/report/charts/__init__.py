"""Charts as inline SVG, made by pure functions; colours come from the page, so that they follow light and dark."""
