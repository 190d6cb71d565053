"""Reader: when a message has come in, find its questions, and give each of them to an agent of its own."""

from aloma_cli import List, Text

condition = {"message": str, "questions": None}


async def content(data, connectors, task):
    answer = await connectors.openai.chat(
        messages=f"List the questions that this message asks, one sentence each:\n\n{data['message']}",
        shape={"questions": List(Text(max=200))},
    )
    data["questions"] = answer.data["questions"]
    data["answers"] = {}
    for number, question in enumerate(data["questions"], 1):
        # A subtask is a task of its own, in which the step `answer` fires. Its result lands in answers.1, answers.2, …
        task.subtask(question, {"question": question}, into=f"answers.{number}", group="answers")
