"""Price models of allowances: Carmona-Hinz, Schwartz-Smith, futures against forwards; each warns outside its sense."""
