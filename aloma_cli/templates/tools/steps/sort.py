"""Sorter: when a request has come in, name its topics, and send an agent to look up each of them."""

from aloma_cli import List, Text

condition = {"request": {"from": str, "text": str}, "topics": None}


async def content(data, connectors, task):
    answer = await connectors.openai.chat(
        messages=f"Name the topics of this request, a few words each:\n\n{data['request']['text']}",
        shape={"topics": List(Text(max=60), max=3)},
    )
    data["topics"] = answer.data["topics"]
    data["facts"] = {}
    for number, topic in enumerate(data["topics"], 1):
        task.subtask(f"Look up: {topic}", {"topic": topic}, into=f"facts.{number}", group="facts", timeout=300)
