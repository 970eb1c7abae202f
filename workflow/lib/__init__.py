"""The shared package: everything the rules compute is computed here."""
