"""Template matching at candidates: how well a structure fits, whichever way it is turned."""
