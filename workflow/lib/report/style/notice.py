"""What marks everything that is made from simulated data."""

SIMULATED_NOTE = "SIMULATED DATA, not measurements"
NOTE_COLOUR = "#b2182b"


def markdown_notice(simulated: bool) -> str:
    """The beginning of a Markdown file: the notice, or nothing for measured data."""
    return f"**{SIMULATED_NOTE}.** " if simulated else ""
