"""How the agents ask: who the model is and what its duties are, then the facts, one `Label: value` each.

The agents in `steps/` call this as `lib.prompt.messages(...)`. If you copy an agent into a workspace of your own, copy
this file into its `libraries/` too; the same goes for the other libraries that an agent names.
"""

import json


def messages(role, duties, facts, request):
    """The messages of one model call; a fact that is None is left out."""
    numbered = [f"{number}. {duty}" for number, duty in enumerate(duties, 1)]
    stated = [f"{label}: {_text(value)}" for label, value in facts.items() if value is not None]
    return [
        {"role": "system", "content": "\n".join([role, "", "Your duties:", *numbered])},
        {"role": "user", "content": "\n\n".join([*stated, request])},
    ]


def _text(value):
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
