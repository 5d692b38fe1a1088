"""The sections of a report: each is a function from what was read to markup."""
