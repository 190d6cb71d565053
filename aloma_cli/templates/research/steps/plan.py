"""Planner: when there is a topic, split it into questions, and send out a researcher for each."""

from aloma_cli import List, Text

condition = {"topic": str, "questions": None}


async def content(data, connectors, task, log):
    answer = await connectors.openai.chat(
        messages=f"Which questions must be answered to understand this topic? At most four.\n\n{data['topic']}",
        shape={"questions": List(Text(max=200), max=4)},
    )
    data["questions"] = answer.data["questions"]
    data["findings"] = {}
    for number, question in enumerate(data["questions"], 1):
        assignment = {"research": {"question": question, "topic": data["topic"]}}
        task.subtask(question, assignment, into=f"findings.{number}", group="research", timeout=600)
    log("researchers sent out:", len(data["questions"]))
