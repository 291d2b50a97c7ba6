"""Models of a haircut: jump diffusion, forced sale under limits, and the past's own quantiles; pure and vectorised."""
