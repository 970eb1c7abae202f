"""The evidence: controls, folds, hypotheses, views and claims, from the record."""
