"""Messages that leave the house, against real receivers on this machine."""
