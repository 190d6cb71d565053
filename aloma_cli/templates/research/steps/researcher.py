"""Researcher: when a subtask has a question, answer it, and say how sure the answer is."""

from aloma_cli import Integer, List, Retry, Text

condition = {"research": {"question": str, "topic": str}}
retry = Retry(times=3, wait=2)


async def content(data, connectors, task):
    research = data["research"]
    answer = await connectors.openai.chat(
        messages=[
            {"role": "system", "content": f"You are an expert on {research['topic']}. Say what you do not know."},
            {"role": "user", "content": research["question"]},
        ],
        shape={"facts": List(Text(max=300)), "confidence": Integer(0, 100)},
    )
    # The result lands in the parent's document, below `findings`.
    task.complete({"question": research["question"], **answer.data})
