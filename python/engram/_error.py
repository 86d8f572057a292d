"""What went wrong, in a sentence."""


class Error(Exception):
    """A sentence that names the thing, what was expected and what was found.

    `status` is the tool's exit code (1 failed, 2 misuse, 130 interrupted) or
    the library's status, 0 when it is neither.
    """

    def __init__(self, message: str, status: int = 0):
        super().__init__(message)
        self.status = status
