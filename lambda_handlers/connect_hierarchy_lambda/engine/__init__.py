"""The loop that carries a request out: take the turn, decide, write down, perform, again."""
