"""What happens, told once. No HTTP here: operations take rows, values and an ``Actor`` and return frozen results.

An operation that judges a code opens transactions of its own that must commit by themselves. Called inside
somebody's ``atomic()`` it raises RuntimeError rather than let a rollback forget a failed attempt.
"""
