"""Who answers model calls: one module a provider, found by `table.PROVIDERS`."""
