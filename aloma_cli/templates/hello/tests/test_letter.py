"""The letter from its questions to the reply: `python -m pytest`, without a key and without waiting."""

QUESTIONS = ["When are you open?", "Do you post abroad?"]


def test_a_letter_is_answered_question_by_question(play, script):
    script.on("read").answers({"questions": QUESTIONS})
    script.on("answer", prompt="When").answers({"answer": "From 9 to 18."})
    script.on("answer").answers({"answer": "Yes."})

    played = play({"message": "When are you open? And do you post abroad?"})

    played.assert_fired("read", "answer", "answer", "draft")
    assert played.questions == ["Send this reply?"]
    assert "do you post abroad" in played.prompt("read")
    assert played.answer(True).result == "Thank you for your message.\nFrom 9 to 18.\nYes."


def test_a_question_without_an_answer_is_left_out(play, script):
    script.on("read").answers({"questions": QUESTIONS})
    script.on("answer", prompt="abroad").fails(503)
    script.on("answer").answers({"answer": "From 9 to 18."})

    played = play({"message": "…"})

    assert played.failed == ["answer", "answer", "answer"]  # three attempts
    played.assert_data({"reply": "Thank you for your message.\nFrom 9 to 18."})


def test_nothing_is_sent_without_a_yes(play, script):
    script.use("responses")
    played = play({"message": "…"}).answer(False)
    assert "send" not in played.fired
