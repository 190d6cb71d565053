"""Writer: write the mail, and again when the person who checks it asks for a change."""

from aloma_cli import Text

condition = {"facts": [str], "mail": None}

SHAPE = {"subject": Text(max=80), "body": Text(max=900)}


async def content(data, connectors):
    wishes = "\n".join(data.get("wishes", []))
    answer = await connectors.openai.chat(
        messages=[
            {"role": "system", "content": "You write short, friendly mails for a lamp shop. Use only the given facts."},
            {
                "role": "user",
                "content": f"Request: {data['request']['text']}\n\nFacts:\n"
                + "\n".join(f"- {fact}" for fact in data["facts"])
                + (f"\n\nThe last draft was sent back. Heed this:\n{wishes}" if wishes else ""),
            },
        ],
        shape=SHAPE,
    )
    data["mail"] = {"to": data["request"]["from"], **answer.data}
