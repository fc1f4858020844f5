"""Tests of CPython's test_subprocess that cannot apply to ``supervise()``, or are done in another way, and why.

By method, or by class and method; a test need not exist in every version of Python.
"""

from __future__ import annotations

_EXECUTABLE = "supervise() has no `executable`: the program is the first word"
_PREEXEC = "supervise() has no `preexec_fn`: no code of the caller runs in a copy of it"
_PIPESIZE = "supervise() has no `pipesize`: fcntl.F_SETPIPE_SZ does it on the streams"
_CHILD = "the test waits for the command itself, which is the warden's child and not the caller's"
_DROPPED = "a dropped handle ends its command at once, and warns of nothing"
_SPEED = "the test fails on a slow machine; tests/supervisor/test_popen_timeouts.py asks the same without a limit"
_INSIDE = "the test replaces a function inside of CPython's Popen, which is not used"

NOT_APPLICABLE = {
    "test__use_vfork": _INSIDE,
    "test__use_posix_spawn": _INSIDE,
    "test_bytes_executable": _EXECUTABLE,
    "test_bytes_executable_replaces_shell": _EXECUTABLE,
    "test_call_keyboardinterrupt_no_kill": _INSIDE,
    "test_check_output_timeout": _SPEED,
    "test_close_fds_after_preexec": _PREEXEC,
    "test_communicate_timeout": _SPEED,
    "test_communicate_timeout_large_output": _SPEED,
    "test_context_manager_keyboardinterrupt_no_kill": _INSIDE,
    "test_cwd_with_relative_executable": _EXECUTABLE,
    "test_exception_bad_executable": _EXECUTABLE,
    "test_executable": _EXECUTABLE,
    "test_executable_replaces_shell": _EXECUTABLE,
    "test_executable_takes_precedence": _EXECUTABLE,
    "test_executable_with_cwd": _EXECUTABLE,
    "test_executable_without_cwd": _EXECUTABLE,
    "test_leak_fast_process_del_killed": _DROPPED,
    "test_leaking_fds_on_error": "a thousand starts; tests/live/test_owner.py counts descriptors after twenty",
    "test_pathlike_executable": _EXECUTABLE,
    "test_pathlike_executable_replaces_shell": _EXECUTABLE,
    "test_pipesizes": _PIPESIZE,
    "test_pipesize_default": _PIPESIZE,
    "test_preexec": _PREEXEC,
    "test_preexec_errpipe_does_not_double_close_pipes": _PREEXEC,
    "test_preexec_exception": _PREEXEC,
    "test_preexec_fork_failure": _PREEXEC,
    "test_preexec_gc_module_failure": _PREEXEC,
    "test_repr": _INSIDE,
    "test_restore_signals": "supervise() has no `restore_signals`: they always are, as Popen's default is",
    "test_run_keyboardinterrupt_no_kill": _INSIDE,
    "test_run_with_shell_timeout_and_capture_output": _SPEED,
    "test_send_signal_race": _CHILD,
    "test_specific_shell": _EXECUTABLE,
    "test_stopped": _CHILD,
    "test_surrogates_error_message": _PREEXEC,
    "test_wait_timeout": _SPEED,
    "test_zombie_fast_process_del": _DROPPED,
}
