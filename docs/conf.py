"""How the documentation is built: ``sh ci/docs.sh PYTHON``."""

from __future__ import annotations

import pydfly
from docutils import nodes
from sphinx.pycode import ModuleAnalyzer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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
    """Keep the docstring of an attribute; sections of a property are napoleon's."""
    if what in ("attribute", "data", "property") and "Raises:" not in lines:
        _prose[name] = [*lines]


def put_back(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: Lines
) -> None:
    """Give it back as it was."""
    lines[:] = _prose.pop(name, lines)


DEFAULTS = {  # that are kept under a name of our own
    "residentconf.PATH": "'/etc/resident.conf'",
    "= PATH": "= '/etc/resident.conf'",
    "_signal.SIG": "SIG",
}


def plain_defaults(
    app: Sphinx,
    what: str,
    name: str,
    thing: object,
    options: object,
    signature: str | None,
    result: str | None,
) -> tuple[str, str | None] | None:
    """Show a default as a reader would write it."""
    if not signature or not any(ours in signature for ours in DEFAULTS):
        return None
    for ours, plain in DEFAULTS.items():
        signature = signature.replace(ours, plain)
    return signature, result


MADE_BY_READERS = {"use", "Supervisor", "Sysent", "SyscallHelperData"}


def signature_of_class(
    app: Sphinx,
    what: str,
    name: str,
    thing: type,
    options: object,
    signature: str | None,
    result: str | None,
) -> tuple[str, None] | None:
    """Hide constructors that no reader calls; give fields their types."""
    if what not in ("class", "exception") or thing.__name__ in MADE_BY_READERS:
        return None
    if not signature:
        return None
    fields: tuple[str, ...] = getattr(thing, "_fields", ())
    types = vars(thing).get("__annotations__", {})
    for field in fields:
        setattr(thing, field, property(_getter_of(types[field])))
    if thing.__name__ != "ReaperKill":  # the only record that readers make
        return "", None
    defaults = thing._field_defaults  # type: ignore[attr-defined]
    texts = [
        f"{field}: {types[field]}"
        + (f" = {defaults[field]}" if field in defaults else "")
        for field in fields
    ]
    return f"({', '.join(texts)})", None


def _getter_of(annotation: str) -> Callable[[object], None]:
    def getter(record: object) -> None: ...

    getter.__annotations__ = {"record": "object", "return": annotation}
    return getter


def show_one_signature(app: Sphinx) -> None:
    """Leave the nine typings of procctl to type checkers: the page has a table."""
    analyzer = ModuleAnalyzer.for_module("pydfly.syscalls")
    analyzer.analyze()
    analyzer.overloads.pop("procctl")


def draw_dashes(app: Sphinx, page: nodes.document, name: str) -> None:
    """Put one between a parameter and what it is, as smartquotes would."""
    for text in [text for text in page.findall(nodes.Text) if text == " -- "]:
        text.parent.replace(text, nodes.Text(" \N{EN DASH} "))


def setup(app: Sphinx) -> None:
    """Listen before napoleon and after it."""
    app.connect("autodoc-process-docstring", put_aside, priority=400)
    app.connect("autodoc-process-docstring", put_back, priority=600)
    app.connect("autodoc-process-signature", signature_of_class)
    app.connect("autodoc-process-signature", plain_defaults)
    app.connect("doctree-resolved", draw_dashes)
    app.connect("builder-inited", show_one_signature)
