"""A module for each subcommand: it reads the arguments, calls the library, and shows what it says.

Each has one click command, which it calls `command`.
"""
