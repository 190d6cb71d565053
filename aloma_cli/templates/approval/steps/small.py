"""Small sums: when an expense is small and its vendor is safe, approve it without a person."""

condition = {
    "expense": {"euros": {"$lt": 100}},
    "vendorCheck": {"status": "done", "result": {"risk": "low"}},
    "approved": None,
}


def content(data):
    data["approved"] = True
