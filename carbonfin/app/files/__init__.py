"""Evidence files: sent, linked, handed back as something to keep, and put up for erasure; for systems and on pages."""
