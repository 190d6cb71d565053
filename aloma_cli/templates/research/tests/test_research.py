"""From the topic to the report: `python -m pytest`, without a key and without waiting."""

REPORT = "Visitors rent most bicycles, and the hills of the city make most of them electric."


def test_a_sure_report_is_published_without_a_person(play, script):
    script.on("plan").answers({"questions": ["Who?", "Why?"]})
    script.on("researcher").answers({"facts": ["Visitors."], "confidence": 80})
    script.on("report").answers({"report": REPORT})

    played = play({"topic": "bicycles"})

    played.assert_fired("plan", "researcher", "researcher", "report", "publish")
    assert played.result == {"topic": "bicycles", "report": REPORT, "confidence": 80}
    assert "- Visitors." in played.prompt("report")


def test_a_person_decides_about_an_unsure_report(play, script):
    script.on("plan").answers({"questions": ["Who?"]})
    script.on("researcher").answers({"facts": ["Visitors?"], "confidence": 40})
    script.on("report").answers({"report": REPORT})

    played = play({"topic": "bicycles"})

    assert played.questions == ["Confidence is 40 of 100. Publish this report?"]
    assert played.answer(True).fired[-1] == "publish"


def test_a_researcher_that_fails_does_not_stop_the_others(play, script):
    script.on("plan").answers({"questions": ["Who?", "Why?"]})
    script.on("researcher", prompt="Who").fails(503)
    script.on("researcher").answers({"facts": ["The hills."], "confidence": 90})
    script.on("report").answers({"report": REPORT})

    played = play({"topic": "bicycles"})

    assert played.logs[-1] == "1 questions have no answer"
    assert played.state == "done"


def test_a_short_report_is_asked_for_once_more(play, script):
    script.on("plan").answers({"questions": ["Who?"]})
    script.on("researcher").answers({"facts": ["Visitors."], "confidence": 80})
    script.on("report").answers({"report": "Too short."}).then({"report": REPORT})

    played = play({"topic": "bicycles"})

    assert len(played.calls_of("report")) == 2
    assert played.data["report"] == REPORT
