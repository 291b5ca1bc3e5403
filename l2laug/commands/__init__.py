"""One function a command; the command line and the Python API call these."""
