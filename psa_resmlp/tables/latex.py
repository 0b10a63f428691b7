"""LaTeX tables in the style of the package booktabs; they need no other package."""

from __future__ import annotations

from collections.abc import Sequence

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def escape(text: str) -> str:
    """Text with LaTeX's special characters made harmless."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def table(
    columns: str, header: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], *, caption: str, label: str
) -> str:
    r"""A table environment.

    Args:
        columns: alignment, such as "lrl".
        header: lines of cells, LaTeX already.
        rows: cells, LaTeX already.
        caption: plain text; it is escaped.
        label: for \ref.

    Raises:
        ValueError: a row has another number of cells than there are columns.
    """
    for row in (*header, *rows):
        if len(row) != len(columns):
            raise ValueError(f"{len(row)} cells for the columns {columns}: {row}")
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[ht]",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        *(_line(row) for row in header),
        r"\midrule",
        *(_line(row) for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
