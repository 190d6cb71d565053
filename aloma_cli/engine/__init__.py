"""The engine: plan (what may fire), runner (fires it), run (commits what comes back) and the loop between them."""
