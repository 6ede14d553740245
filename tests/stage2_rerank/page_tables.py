"""The tables of a page, cell by cell."""

from html.parser import HTMLParser


class PageTables(HTMLParser):
    """Body rows of every table by the id that stands before it, and the page's large figures.

    A cell is the list of its texts: its own first, then each of its small prints.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: dict[str, list[list[list[str]]]] = {}
        self.large: list[str] = []
        self._id = ""
        self._in_body = self._in_large = False
        self._cell: list[str] | None = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag in ("h2", "h3", "details"):  # not the ids within plots
            self._id = attributes.get("id", self._id)
        if tag == "tbody":
            self._in_body = True
            self.rows[self._id] = []
        elif tag == "tr" and self._in_body:
            self.rows[self._id].append([])
        elif tag in ("td", "th") and self._in_body:
            self._cell = [""]
            self.rows[self._id][-1].append(self._cell)
        elif tag == "small" and self._cell is not None:
            self._cell.append("")
        elif tag == "span" and "big" in attributes.get("class", ""):
            self._in_large = True
            self.large.append("")

    def handle_endtag(self, tag):
        if tag == "tbody":
            self._in_body = False
        elif tag in ("td", "th"):
            self._cell = None
        elif tag == "span":
            self._in_large = False

    def handle_data(self, data):
        if self._in_large:
            self.large[-1] += data.strip()
        elif self._cell is not None:
            self._cell[-1] = " ".join(f"{self._cell[-1]} {data}".split())
