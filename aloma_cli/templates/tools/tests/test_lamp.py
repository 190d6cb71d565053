"""From the request to the mail: `python -m pytest`, without a key, a mail and waiting."""

REQUEST = {"request": {"from": "ada@example.com", "text": "My lamp arrived broken."}}


def request(play, script):
    script.on("sort").answers({"topics": ["broken lamps"]})
    # The search itself is not scripted: it is a function of this workspace.
    script.on("look_up").calls_tool("search", words="broken").then({"facts": ["It is replaced."]})
    script.on("reply", "mail.send").answers({"sent_to": "ada@example.com"})
    script.on("reply").calls_tool("mail_send", to="ada@example.com", text="Yes.").then({"summary": "Done."})
    return play(REQUEST)


def test_the_mail_is_sent_when_a_person_allows_it(play, script):
    played = request(play, script)
    assert played.state == "question"
    assert "- It is replaced." in played.prompt("reply")
    assert played.answer(True).data["summary"] == "Done."
    assert [call.arguments["to"] for call in played.calls if call.call == "mail.send"] == ["ada@example.com"]


def test_it_is_not_sent_without_a_yes(play, script):
    played = request(play, script).answer(False)
    assert [call for call in played.calls if call.call == "mail.send"] == []


def test_the_model_is_told_what_the_handbook_says(play, script):
    played = request(play, script)
    second = played.calls_of("look_up")[-1]
    assert "replaced free of charge" in second.prompt
