"""A run as one HTML file that opens without a network: what was measured, how sure it is, and where it fails."""
