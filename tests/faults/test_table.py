"""Every row of `docs/faults.md` has tests that would fail if it were wrong."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"

KILLED, REFUSED = "faults.test_killed_at", "faults.test_refused"
STREAMS, SIGNALS = "faults.test_streams", "faults.test_signals"
POWER, PIPES = "faults.test_power", "cli.test_pipes"
DATABASE = "faults.test_database"
NOTICES = "notices.test_notices"
INTERRUPTS, DAMAGE, TIME = "cli.test_interrupts", "cli.test_damage", "engine.test_time"
ANYWHERE = "test_a_task_killed_before_any_deed_or_within_a_write_ends_as_an_undisturbed_one"

TESTS = {
    "The process is killed": (KILLED, ANYWHERE),
    "It is killed while the task is created": (KILLED, ANYWHERE),
    "It is killed again": (KILLED, "test_a_task_killed_again_and_again_ends_as_an_undisturbed_one"),
    "It is killed, or interrupted": ("cli.test_settle", "test_a_call_that_was_under_way_at_a_kill_is_not_sent_again"),
    "Ctrl-C, or SIGTERM": (INTERRUPTS, "test_a_signal_ends_the_run_and_says_how_to_go_on"),
    "Ctrl-C twice": (INTERRUPTS, "test_a_second_signal_ends_the_program_at_once"),
    "Ctrl-C while the task only waits": (
        SIGNALS,
        "test_a_signal_while_a_task_only_waits_ends_the_run_and_the_wait_stays",
    ),
    "The terminal is closed |": (STREAMS, "test_a_task_whose_terminal_was_closed_can_be_resumed"),
    "The terminal is closed, under": (STREAMS, "test_a_run_that_ignores_the_hangup_goes_on_without_a_terminal"),
    "A standard stream is closed": (STREAMS, "test_a_stream_that_is_closed_or_full_changes_nothing_about_the_run"),
    "The reader of stdout": (STREAMS, "test_a_reader_who_left_does_not_change_the_exit_code"),
    "stdout is full": (STREAMS, "test_a_result_that_cannot_be_written_is_an_error_and_the_task_is_done_all_the_same"),
    "A step or its children": (PIPES, "test_nothing_that_files_and_steps_do_to_the_streams_reaches_the_result"),
    "A child process of a step": (PIPES, "test_a_child_that_writes_much_or_stays_holds_nothing_up"),
    "A child that a step forked": (PIPES, "test_forked_children_have_nothing_of_the_run"),
    "A notice cannot be": (NOTICES, "test_a_notice_that_fails_is_tried_three_times_and_harms_no_task"),
    "The process is killed while it sends a notice": (
        NOTICES,
        "test_a_notice_that_was_being_sent_at_a_kill_is_not_sent_again",
    ),
    "A person answers": ("web.test_answers", "test_an_answer_is_recorded_once_with_who_gave_it"),
    "A worker is killed between": ("faults.test_triggers", "test_an_event_whose_worker_is_killed_makes_one_task"),
    "A request to a webhook": ("faults.test_triggers", "test_a_request_that_is_sent_again_makes_one_task"),
    "No worker runs when": ("cli.test_triggers", "test_a_worker_that_comes_later_makes_what_is_missing"),
    "A trigger cannot make a task": ("cli.test_triggers", "test_a_worker_makes_and_runs_the_tasks_of_its_triggers"),
    "The port of a worker": ("cli.test_triggers", "test_a_second_worker_without_the_port_works_all_the_same"),
    "A worker is killed, or": ("cli.test_worker", "test_what_a_killed_worker_left_is_continued_by_the_next"),
    "SIGTERM, or Ctrl-C, to a worker": (
        "cli.test_worker",
        "test_a_worker_that_is_terminated_lets_running_steps_end_and_starts_nothing_more",
    ),
    "A worker that shares a database is killed": (
        "cli.test_postgres_worker",
        "test_what_a_killed_worker_left_is_continued_when_its_lease_has_ended",
    ),
    "A worker that shares a database stands": (
        "cli.test_postgres_worker",
        "test_a_worker_frozen_past_its_lease_commits_nothing_more",
    ),
    "The database restarts": (DATABASE, "test_a_restart_of_the_database_loses_nothing"),
    "The network to the database": (DATABASE, "test_a_network_that_is_cut_for_a_while_loses_nothing"),
    "The database cannot": (DATABASE, "test_a_database_that_is_away_is_told_at_once"),
    "Two processes run one task": (INTERRUPTS, "test_a_task_that_another_process_runs_cannot_be_resumed"),
    "A request (": ("engine.test_last_look", "test_a_request_to_a_process_that_ends_in_that_moment_is_carried_out"),
    "A request for a task whose process": (
        "cli.test_stop_and_resume",
        "test_a_request_to_a_process_that_stands_still_is_filed_and_says_so",
    ),
    "A model server is busy": (
        "api.test_busy_server",
        "test_30_subtasks_at_a_server_of_few_calls_a_second_are_all_answered",
    ),
    "A model server is down": (
        "cli.test_named_servers",
        "test_the_log_says_who_answered_and_who_could_not",
    ),
    "The model server or the key": ("cli.test_answering", "test_a_key_goes_only_to_the_server_it_is_set_up_for"),
    "Ctrl-C while a file": ("cli.test_stop_and_resume", "test_ctrl_c_while_a_file_is_loaded_names_the_file"),
    "The disk is full, a quota": (REFUSED, "test_a_task_that_cannot_be_created_leaves_nothing_and_has_not_begun"),
    "The disk is full while": (REFUSED, "test_a_run_that_is_cut_short_says_why_and_goes_on_from_there"),
    "The disk fails": (REFUSED, "test_a_run_that_is_cut_short_says_why_and_goes_on_from_there"),
    "Permission denied": (REFUSED, "test_every_reason_that_is_known_has_a_hint"),
    "`data.json` or `task.json` is": (POWER, "test_what_was_published_and_lost_is_read_from_the_journal"),
    "`checkpoint.json` is": (
        "store.test_checkpoints",
        "test_a_checkpoint_that_is_lost_or_damaged_is_not_used",
    ),
    "The power fails": (POWER, "test_each_name_that_a_command_promises_is_synced"),
    "A file or folder in": (POWER, "test_a_link_in_the_folder_never_leads_what_we_write_elsewhere"),
    "`data.json` or `task.json` cannot": (
        REFUSED,
        "test_a_record_that_cannot_be_published_is_told_of_once_and_read_from_the_journal",
    ),
    "A request that was carried out": (REFUSED, "test_a_request_that_cannot_be_dropped_is_carried_out_once"),
    "The folder of a task": (REFUSED, "test_a_folder_that_is_deleted_while_a_task_runs_ends_the_run"),
    "`.aloma` is a file": (REFUSED, "test_a_file_where_the_folder_should_be_is_one_sentence"),
    "The end of a journal is torn": (
        "store.test_journal",
        "test_cut_at_any_byte_a_journal_holds_its_whole_lines_and_can_be_gone_on_with",
    ),
    "A journal is damaged": (
        DAMAGE,
        "test_a_damaged_task_goes_on_from_its_last_good_line_and_the_damaged_file_is_kept",
    ),
    "A line has a right checksum": (
        "store.test_odd_events",
        "test_anything_at_any_place_is_read_or_refused_naming_the_line",
    ),
    "One task of several": (DAMAGE, "test_one_damaged_task_does_not_keep_the_others_from_being_listed"),
    "The first line of a journal": (
        DAMAGE,
        "test_where_nothing_stands_before_the_damage_that_is_said_and_nothing_is_touched",
    ),
    "The clock is set back": (TIME, "test_a_timer_takes_its_own_length_when_the_clock_is_set_back"),
    "The clock is set forward": (TIME, "test_a_timer_has_run_out_when_the_clock_is_a_day_ahead"),
    "Time passes between": (TIME, "test_the_time_between_a_kill_and_the_next_run_does_not_count"),
}
"""The beginning of each row, and a test of what it says."""


def rows() -> list[str]:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("| ") for line in lines if line.startswith("| ")][1:]


def test_each_row_is_tested_and_each_test_has_its_row() -> None:
    assert [row for row in rows() if not row.startswith(tuple(TESTS))] == []
    assert [beginning for beginning in TESTS if not any(row.startswith(beginning) for row in rows())] == []


@pytest.mark.parametrize("beginning", TESTS)
def test_the_test_of_a_row_is_there(beginning: str) -> None:
    module, name = TESTS[beginning]
    assert callable(getattr(import_module(f"tests.{module}"), name))
