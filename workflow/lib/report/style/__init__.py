"""How tables and figures look."""
