"""The dataset over HTTP: listed, resumed, verified against a lock."""
