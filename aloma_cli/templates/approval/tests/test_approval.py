"""From the request to the ledger: `python -m pytest`, without a key, a ledger and waiting."""

PAPER = {"person": "Grace", "vendor": "Sol", "euros": 24.5, "purpose": "paper"}
TICKET = {"person": "Ada", "vendor": "Conf", "euros": 480, "purpose": "a ticket"}
SAFE, UNSAFE = {"risk": "low", "reason": "known"}, {"risk": "high", "reason": "unknown"}


def expense(play, script, facts, risk):
    script.on("read").answers(facts)
    script.on("vendor").answers(risk)
    # A test makes no real call: this takes the place of connectors/ledger.py.
    script.on("book", "ledger.book").answers(1)
    return play({"request": "…"})


def test_a_small_sum_needs_no_person(play, script):
    played = expense(play, script, PAPER, SAFE)
    played.assert_fired("read", "check", "vendor", "small", "book")
    assert played.result == {"paid": 24.5}


def test_a_large_sum_is_asked_about(play, script):
    played = expense(play, script, TICKET, SAFE)
    assert played.questions == ["Pay 480 EUR to Conf for Ada?"]
    assert played.answer(True).calls[-1].arguments == {"vendor": "Conf", "euros": 480}


def test_a_small_sum_to_an_unsafe_vendor_is_asked_about(play, script):
    assert expense(play, script, PAPER, UNSAFE).questions == ["Pay 24.5 EUR to Sol for Grace?"]


def test_after_two_days_the_answer_is_no(play, script):
    played = expense(play, script, TICKET, SAFE).later(days=2)
    assert played.fired[-1] == "refuse"
    assert played.result == {"paid": 0}
