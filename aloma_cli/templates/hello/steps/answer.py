"""Answerer: when a subtask has a question, answer it."""

from aloma_cli import Retry

condition = {"question": str}
retry = Retry(times=3, wait=2)

SHOP = "You answer the mail of a bookshop. It is open from 9 to 18, closed on Sundays, and posts books on the same day."


async def content(data, connectors, task):
    answer = await connectors.openai.chat(
        messages=[{"role": "system", "content": SHOP}, {"role": "user", "content": data["question"]}],
        shape={"answer": str},
    )
    task.complete(answer.data["answer"])
