"""What the soak tests have seen, for the end of the run."""

findings: list[str] = []


def proved(sentence: str) -> None:
    findings.append(sentence)
