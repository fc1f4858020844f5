"""How the documentation is built: ``sh ci/docs.sh PYTHON``."""

from __future__ import annotations

import pydfly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "pydfly"
author = "the pydfly developers"
copyright = "the pydfly developers; BSD-2-Clause"
release = version = pydfly.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinxcontrib.programoutput",
]
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = f"pydfly {release}"
html_domain_indices = False  # the index of names has the modules, too
smartquotes = False  # "--" in the cell of a table is an option, no dash

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings: list[str] = []  # warnings are errors

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
python_use_unqualified_type_names = True


# What stands before a colon in an attribute's docstring is no type: napoleon, which
# listens with priority 500, is given nothing of attributes.
_prose: dict[str, list[str]] = {}
Lines = list[str]


def put_aside(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: Lines
) -> None:
    """Keep the docstring of an attribute."""
    if what in ("attribute", "data"):
        _prose[name] = [*lines]


def put_back(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: Lines
) -> None:
    """Give it back as it was."""
    lines[:] = _prose.pop(name, lines)


def setup(app: Sphinx) -> None:
    """Listen before napoleon and after it."""
    app.connect("autodoc-process-docstring", put_aside, priority=400)
    app.connect("autodoc-process-docstring", put_back, priority=600)
