"""A small builder of HTML elements: everything given as text is escaped when the page is written."""

import xml.etree.ElementTree as ET

Child = ET.Element | str | None


def el(tag: str, *children: Child, **attributes: str | bool | None) -> ET.Element:
    """An element. `cls` is class, `_` in names is `-`; None and False leave an attribute out, True writes it bare."""
    element = ET.Element(tag)
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        key = "class" if name == "cls" else name.rstrip("_").replace("_", "-")
        element.set(key, key if value is True else str(value))
    for child in children:
        _append(element, child)
    return element


def _append(element: ET.Element, child: Child) -> None:
    if isinstance(child, str):
        if len(element):
            element[-1].tail = (element[-1].tail or "") + child
        else:
            element.text = (element.text or "") + child
    elif child is not None:
        element.append(child)


def write(element: ET.Element) -> str:
    return ET.tostring(element, encoding="unicode", method="html")
