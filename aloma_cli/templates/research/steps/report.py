"""Reporter: when no researcher is running, write the report from what they found."""

from aloma_cli import PermanentError, Text

condition = {
    "topic": str,
    "findings": dict,
    "$children": {"research": {"running": 0}},
    "report": None,
}


async def content(data, connectors, log):
    # A researcher that failed has landed too, with another status: the report is made of the others.
    found = [landed["result"] for landed in data["findings"].values() if landed["status"] == "done"]
    if not found:
        raise PermanentError("no researcher found anything")
    if len(found) < len(data["questions"]):
        log.warning(f"{len(data['questions']) - len(found)} questions have no answer")
    facts = "\n".join(f"- {fact}" for result in found for fact in result["facts"])
    answer = await connectors.openai.chat(
        messages=f"Write a report on {data['topic']} from these facts alone:\n\n{facts}",
        shape={"report": Text(max=1500)},
        check=is_long_enough,
    )
    data["report"] = answer.data["report"]
    data["confidence"] = min(result["confidence"] for result in found)


def is_long_enough(answer):
    """Your own quality gate: the model is asked once more with this sentence, if there is one."""
    return "the report is shorter than ten words" if len(answer["report"].split()) < 10 else None
