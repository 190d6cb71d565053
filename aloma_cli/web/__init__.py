"""HTTP servers: webhooks and pages for people, and the live pages of a workspace. Imported only where it is used."""
