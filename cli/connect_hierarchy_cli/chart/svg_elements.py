"""The kinds of elements of the SVG."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from connect_hierarchy_cli.chart.text import shown


def add_leaf(above: ET.Element, tag: str, text: str, **attributes: str) -> None:
    """An element that holds nothing but a text."""
    ET.SubElement(above, tag, attributes).text = shown(text)


def add_text(
    above: ET.Element, x: float, y: float, text: str, style: str, *, full: str = ""
) -> None:
    """A line of text; `full` is the uncut text, shown as its tooltip."""
    place = ET.SubElement(above, "text", {"class": style, "x": f"{x:g}", "y": f"{y:g}"})
    place.text = shown(text)
    if full and full != text:
        add_leaf(place, "title", full)


def add_box(
    above: ET.Element,
    x: float,
    y: float,
    wide: float,
    high: float,
    style: str,
    *,
    radius: float,
) -> None:
    """A rectangle with round corners."""
    sizes = {"x": x, "y": y, "width": wide, "height": high, "rx": radius}
    attributes = {name: f"{size:g}" for name, size in sizes.items()}
    ET.SubElement(above, "rect", {"class": style, **attributes})


def add_line(above: ET.Element, line: str, style: str) -> None:
    """A line along a path."""
    ET.SubElement(above, "path", {"class": style, "d": line})
