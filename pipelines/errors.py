"""Errors that a user can act on, each with the exit code that the command line ends with."""


class IcpError(Exception):
    """What is wrong, which one, what was expected, what to do next; never a row's value or a small count.

    `message` is one line; `hints` are further lines, shown indented below it.
    """

    exit_code = 1

    def __init__(self, message: str, *hints: str) -> None:
        super().__init__(message)
        self.message = message
        self.hints = hints

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {hint}" for hint in self.hints)])


class StudyError(IcpError):
    """Wrong use, wrong protocol, wrong contract or missing required input."""

    exit_code = 2


class DataQualityError(IcpError):
    """A blocking data-quality rule failed, or a delivery was refused."""

    exit_code = 3
