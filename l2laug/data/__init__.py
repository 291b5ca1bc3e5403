"""Images: files, folders, sets of them in memory."""
