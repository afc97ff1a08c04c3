"""A module for each subcommand: it reads arguments, calls the library, and shows the result.

Each has one click command with the name `command`.
"""
