"""The dataset's files as they come: where they lie, what they hold, and how they are got safely."""
