"""What everything else stands on: errors, files, hashes, progress, arrays."""
