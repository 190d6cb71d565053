"""Reader: when a request for money has come in as text, find its facts."""

from aloma_cli import Number, Text

condition = {"request": str, "expense": None}


async def content(data, connectors):
    answer = await connectors.openai.chat(
        messages=f"Who asks for how much money, to pay whom, and for what?\n\n{data['request']}",
        shape={"person": Text(max=60), "vendor": Text(max=60), "euros": Number(0, 1_000_000), "purpose": Text(max=200)},
    )
    data["expense"] = answer.data
