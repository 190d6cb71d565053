"""Researcher: when a subtask has a topic, look it up in the handbook. The model decides what to search for."""

from aloma_cli import List, Text

condition = {"topic": str}


async def content(data, connectors, lib, task):
    answer = await connectors.openai.chat(
        messages=f"What does the handbook say about this? Search it; do not guess.\n\n{data['topic']}",
        # A tool is any function: the model gets its name, its parameters and its docstring.
        tools=[lib.handbook.search],
        shape={"facts": List(Text(max=200))},
    )
    task.complete(answer.data["facts"])
