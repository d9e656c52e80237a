"""The commands, one file for those that belong together. They and `cli.py` are all that prints."""
