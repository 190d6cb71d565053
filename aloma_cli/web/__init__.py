"""The HTTP server of a worker: webhooks, and pages for people. It is imported only where it is used."""
