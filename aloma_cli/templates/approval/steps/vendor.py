"""Vendor agent: when a subtask names a vendor, judge how risky a payment to it is."""

condition = {"vendor": str}


async def content(data, connectors, task):
    answer = await connectors.openai.chat(
        messages=f"How risky is a payment to the company {data['vendor']}?",
        shape={"risk": {"$in": ["low", "high"]}, "reason": str},
    )
    task.complete(answer.data)
