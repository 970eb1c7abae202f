"""How long something takes, as people say it."""


def in_words(seconds: float) -> str:
    """Two units at most, no more exact than an estimate is: `50 s`, `4 min 20 s`, `1 h 5 min`."""
    if seconds < 600:
        tens = 10 * round(seconds / 10)
        minutes, rest = divmod(tens, 60)
        parts = [(minutes, "min"), (rest, "s")] if seconds >= 10 else [(round(seconds), "s")]
    elif seconds < 36 * 3600:
        parts = [(round(seconds / 60) // 60, "h"), (round(seconds / 60) % 60, "min")]
    else:
        parts = [(round(seconds / 3600) // 24, "d"), (round(seconds / 3600) % 24, "h")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"
