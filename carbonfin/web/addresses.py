"""Addresses that are given by a reader: only our own pages are gone to."""


def own_address(address: str) -> str:
    """Give the address to go on to: one of our own pages, never another site."""
    own = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if own and "\\" not in address else "/"
