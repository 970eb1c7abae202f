"""From an archive to the signals of a fold, and what there is to know about them."""
