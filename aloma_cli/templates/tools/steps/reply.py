"""Writer: when all topics are looked up, write to the customer. A person must allow the mail."""

from aloma_cli import tool

condition = {
    "facts": dict,
    "$children": {"facts": {"running": 0}},
    "summary": None,
}

TASK = """Answer this customer with these facts alone: send one mail, then sum up your answer.
If a person refuses the mail, say so.

From: {sender}
{text}

{facts}"""


async def content(data, connectors):
    found = [landed["result"] for _, landed in sorted(data["facts"].items()) if landed["status"] == "done"]
    facts = "\n".join(f"- {fact}" for facts in found for fact in facts)
    request = data["request"]
    answer = await connectors.openai.chat(
        messages=TASK.format(sender=request["from"], text=request["text"], facts=facts),
        # Before each call the task rests until `aloma task answer ID true`.
        tools=[tool(connectors.mail.send, approve=True)],
        shape={"summary": str},
    )
    data["summary"] = answer.data["summary"]
