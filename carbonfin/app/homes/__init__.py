"""The first screen of each role: what its reader must see in the first ten seconds."""
