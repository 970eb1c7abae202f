"""Answers of trained models, plainly and with test-time augmentation."""
