"""What the edges of all packages share: pages, problems, wire types, idempotency, downloads, commands.

A route is a plain function with `sync_to_thread=True` that names what it needs: `sessions: Sessions`, `actor: Actor`,
`clock: Clock`, and `request: WebRequest` where it writes a page or takes an idempotency key. It opens one transaction,
calls a service and returns a struct or a page. Its entry in `carbonfin/app/policy.py` says who may use it. A route that
answers by one decision waits in the event loop instead (`answered_by_decision`).
"""
