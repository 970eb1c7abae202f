"""What every job shares and no number depends on: files, HDF5, the frame of scripts, the config."""
