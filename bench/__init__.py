"""thawpool and its peers, measured side by side on this machine: see README.md."""
