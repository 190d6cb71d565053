"""Asker: when an expense is large or its vendor is not safe, ask a person. After two days it is refused."""

TWO_DAYS = 2 * 24 * 60 * 60

condition = {
    "expense": {"euros": float},
    "vendorCheck": dict,
    "approved": None,
    "$or": [{"expense": {"euros": {"$gte": 100}}}, {"vendorCheck": {"$not": {"result": {"risk": "low"}}}}],
}


def content(data, task):
    expense = data["expense"]
    question = f"Pay {expense['euros']} EUR to {expense['vendor']} for {expense['person']}?"
    task.ask(question, into="approved", schema=bool, default=False, timeout=TWO_DAYS)
