"""Jobs: the end of the business day and its parts, the worker that carries them out, and where people see them."""
