"""The picture in a BPMN file (BPMNDI), drawn as SVG with the steps marked that are done and that wait."""

import xml.etree.ElementTree as ET
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from demo.html import el

_NS = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
}
_MARGIN = 56
_LETTERS_A_LINE = 15


@dataclass(frozen=True)
class Shape:
    """A node: its BPMN kind (`userTask`, …), name, place and the middle of its label (pixels at 100 %)."""

    id: str
    kind: str
    name: str
    x: float
    y: float
    width: float
    height: float
    label: tuple[float, float]
    terminates: bool


@dataclass(frozen=True)
class Edge:
    """A sequence flow and the points it passes."""

    id: str
    name: str
    source: str
    target: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Diagram:
    """All shapes and edges of one file."""

    name: str
    shapes: tuple[Shape, ...]
    edges: tuple[Edge, ...]

    @classmethod
    def read(cls, path: Path) -> "Diagram":
        root = ET.parse(path).getroot()
        nodes = {node.get("id"): node for node in root.iter() if node.get("id")}
        shapes = [_shape(di, nodes[di.get("bpmnElement")]) for di in root.iterfind(".//bpmndi:BPMNShape", _NS)]
        edges = [_edge(di, nodes[di.get("bpmnElement")]) for di in root.iterfind(".//bpmndi:BPMNEdge", _NS)]
        process = root.find("bpmn:process", _NS)
        name = process.get("name", "") if process is not None else ""
        return cls(name, tuple(shapes), tuple(edges))

    def svg(self, done: Collection[str], current: Collection[str]) -> ET.Element:
        """The picture, in natural size. Colours and strokes are the style sheet's."""
        points = [point for edge in self.edges for point in edge.points]
        left = min(shape.x for shape in self.shapes) - _MARGIN
        top = min([shape.y for shape in self.shapes] + [y for _, y in points]) - _MARGIN
        width = max(shape.x + shape.width for shape in self.shapes) + _MARGIN - left
        height = max([shape.y + shape.height for shape in self.shapes] + [y for _, y in points]) + _MARGIN - top
        names = [shape.name for shape in self.shapes if shape.id in current]
        label = f"Diagram of the process “{self.name}”. Now at: {', '.join(names) or 'the end'}."
        svg = el(
            "svg",
            _arrow_head(),
            cls="diagram",
            viewBox=f"{left:g} {top:g} {width:g} {height:g}",
            width=f"{width:g}",
            height=f"{height:g}",
            role="img",
            aria_label=label,
        )
        scopes = [shape for shape in self.shapes if shape.kind == "subProcess"]
        nodes = [shape for shape in self.shapes if shape.kind != "subProcess"]
        svg.extend(_draw_shape(shape, _mark(shape.id, done, current)) for shape in scopes)
        svg.extend(_draw_edge(edge) for edge in self.edges)
        svg.extend(_draw_shape(shape, _mark(shape.id, done, current)) for shape in nodes)
        return svg


def _shape(di: ET.Element, node: ET.Element) -> Shape:
    x, y, width, height = _bounds(di.find("dc:Bounds", _NS))
    lx, ly, label_width, label_height = _bounds(di.find("bpmndi:BPMNLabel/dc:Bounds", _NS))
    label = (lx + label_width / 2, ly + label_height / 2)
    kind = node.tag.partition("}")[2]
    terminates = node.find("bpmn:terminateEventDefinition", _NS) is not None
    return Shape(node.get("id", ""), kind, node.get("name", ""), x, y, width, height, label, terminates)


def _bounds(element: ET.Element | None) -> tuple[float, float, float, float]:
    if element is None:
        return 0, 0, 0, 0
    x, y, width, height = (float(element.get(side, "0")) for side in ("x", "y", "width", "height"))
    return x, y, width, height


def _edge(di: ET.Element, node: ET.Element) -> Edge:
    points = tuple((float(p.get("x", "0")), float(p.get("y", "0"))) for p in di.iterfind("di:waypoint", _NS))
    return Edge(node.get("id", ""), node.get("name", ""), node.get("sourceRef", ""), node.get("targetRef", ""), points)


def _mark(step: str, done: Collection[str], current: Collection[str]) -> str:
    if step in current:
        return "current"
    return "done" if step in done else "ahead"


def _arrow_head() -> ET.Element:
    path = el("path", d="M0 0 L10 5 L0 10 z", cls="arrow")
    sizes = {"viewBox": "0 0 10 10", "refX": "10", "refY": "5", "markerWidth": "7", "markerHeight": "7"}
    return el("defs", el("marker", path, id="arrow", orient="auto-start-reverse", **sizes))


def _draw_edge(edge: Edge) -> ET.Element:
    line = el("polyline", cls="flow", points=" ".join(f"{x:g},{y:g}" for x, y in edge.points), marker_end="url(#arrow)")
    group = el("g", line)
    if edge.name:
        (x0, y0), (x1, y1) = edge.points[:2]
        x, y = (x0 + 8, y0 + (22 if y1 > y0 else -14)) if x0 == x1 else (x0 + (6 if x1 > x0 else -30), y0 - 8)
        group.append(el("text", edge.name, cls="flow-name", x=f"{x:g}", y=f"{y:g}"))
    return group


def _draw_shape(shape: Shape, mark: str) -> ET.Element:
    middle, centre = shape.x + shape.width / 2, shape.y + shape.height / 2
    group = el("g", cls=f"node {mark}", data_node=shape.id)
    if shape.kind.endswith("Event"):
        group.extend(_draw_event(shape, middle, centre))
    elif shape.kind.endswith("Gateway"):
        group.extend(_draw_gateway(shape, middle, centre))
    elif shape.kind == "subProcess":
        group.append(_rectangle(shape, "scope"))
        group.append(el("text", shape.name, cls="scope-name", x=f"{shape.x + 14:g}", y=f"{shape.y + 24:g}"))
    else:
        group.append(_rectangle(shape, f"box {shape.kind}"))
        group.append(_text(shape.name, middle, centre, "task-name"))
    return group


def _rectangle(shape: Shape, cls: str) -> ET.Element:
    size = {"width": f"{shape.width:g}", "height": f"{shape.height:g}"}
    return el("rect", cls=cls, x=f"{shape.x:g}", y=f"{shape.y:g}", rx="10", **size)


def _draw_event(shape: Shape, middle: float, centre: float) -> list[ET.Element]:
    radius = shape.width / 2
    place = {"cx": f"{middle:g}", "cy": f"{centre:g}"}
    parts = [el("circle", cls=f"event {shape.kind}", r=f"{radius:g}", **place)]
    if shape.kind == "intermediateCatchEvent":
        parts.append(el("circle", cls="event inner", r=f"{radius - 4:g}", **place))
        parts.append(el("path", cls="envelope", d=f"M{middle - 8:g} {centre - 5:g} h16 v10 h-16 z l8 6 l8 -6"))
    if shape.terminates:
        parts.append(el("circle", cls="terminate", r=f"{radius - 8:g}", **place))
    if shape.name:
        parts.append(_text(shape.name, *shape.label, "label"))
    return parts


def _draw_gateway(shape: Shape, middle: float, centre: float) -> list[ET.Element]:
    half = shape.width / 2
    outline = f"M{middle - half:g} {centre:g} l{half:g} {-half:g} l{half:g} {half:g} l{-half:g} {half:g} z"
    cross = f"M{middle:g} {centre - 10:g} v20 M{middle - 10:g} {centre:g} h20"
    if shape.kind == "exclusiveGateway":
        cross = f"M{middle - 7:g} {centre - 7:g} l14 14 M{middle + 7:g} {centre - 7:g} l-14 14"
    parts = [el("path", cls="gateway", d=outline), el("path", cls="gateway-sign", d=cross)]
    if shape.name:
        parts.append(_text(shape.name, *shape.label, "label"))
    return parts


def _text(words: str, middle: float, centre: float, cls: str) -> ET.Element:
    """Words broken into lines and centred on the point."""
    lines: list[str] = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _LETTERS_A_LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    first = centre - (len(lines) - 1) * 8 + 4
    text = el("text", cls=cls, text_anchor="middle")
    text.extend(el("tspan", line, x=f"{middle:g}", y=f"{first + index * 16:g}") for index, line in enumerate(lines))
    return text
