"""What can be wrong with people, covariates or scores that are to be matched or weighted."""


class MatchingError(ValueError):
    """Input that cannot be matched or weighted as asked; the message says which and what to do."""


class TooLargeError(MatchingError):
    """More people of one kind than an assignment of all of them at once can hold."""


class SeparationError(MatchingError):
    """Covariates that tell the outcome of a regression with certainty, so that it has no finite estimate."""

    def __init__(self, covariates: tuple[str, ...]) -> None:
        self.covariates = covariates
        super().__init__(
            f"the regression has no finite estimate: {', '.join(covariates)} tell some people's outcome with "
            "certainty; leave these covariates out, merge their categories, or match exactly on them"
        )


class NoOverlapError(MatchingError):
    """Covariates on which no weights of the comparison people reach the cases' means."""

    def __init__(self, covariates: tuple[str, ...]) -> None:
        self.covariates = covariates
        super().__init__(
            f"no weights of the comparison people give the cases' means of {', '.join(covariates)}; leave these "
            "covariates out, merge their categories, or leave out the cases that nobody in the pool resembles"
        )
