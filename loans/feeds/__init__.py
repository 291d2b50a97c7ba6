"""Files that loans read: borrowers whose rates are asked for, and entries of carbon accounts."""
