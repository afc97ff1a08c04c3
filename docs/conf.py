"""Settings of the documentation site, which `make docs` builds with Sphinx."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).resolve().parent
REPOSITORY = DOCS.parent
sys.path.insert(0, str(DOCS / "_extensions"))

_metadata = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = _metadata["name"]
author = "the authors of cdk-connect-hierarchy"
copyright = f"{author}; Apache-2.0"  # noqa: A001 - the name that Sphinx reads
version = release = _metadata["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
    "command_line_reference",
    "constructs_reference",
    "repository_pages",
    "tree_file_fields",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_extensions", "README.md"]
nitpicky = False  # many types are those of aws-cdk-lib, whose reference is on the network

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"{project} {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "top_of_page_buttons": [],
    "light_css_variables": {"color-brand-primary": "#0b5cad", "color-brand-content": "#0b5cad"},
    "dark_css_variables": {"color-brand-primary": "#6cb4ff", "color-brand-content": "#6cb4ff"},
}
# Only the commands are copied, neither a prompt nor what a command says.
copybutton_exclude = ".linenos, .gp, .go"
