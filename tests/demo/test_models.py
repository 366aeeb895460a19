"""The BPMN files themselves: complete, drawn, and saying for every human task what people need."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from demo.definitions import FOLDER
from demo.diagram import Diagram
from demo.html import write

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
SPIFF = "{http://spiffworkflow.org/bpmn/schema/1.0/core}"
FILES = sorted(FOLDER.glob("*.bpmn"))

pytestmark = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_every_node_and_flow_is_drawn(path: Path) -> None:
    root = ET.parse(path).getroot()
    process = root.find(f"{BPMN}process")
    assert process is not None
    kinds = ("Event", "Task", "Gateway", "sequenceFlow", "subProcess")
    nodes = {node.get("id") for node in process.iter() if node.tag.startswith(BPMN) and node.tag.endswith(kinds)}
    drawn = {di.get("bpmnElement") for kind in ("BPMNShape", "BPMNEdge") for di in root.iter(f"{DI}{kind}")}
    assert len(nodes) > 30
    assert nodes == drawn


def test_the_model_says_who_does_a_task_by_when_and_how(path: Path) -> None:
    for task in ET.parse(path).getroot().iter(f"{BPMN}userTask"):
        names = {node.get("name") for node in task.iter(f"{SPIFF}property")}
        assert {"name", "description", "due_in_minutes", "priority", "actions", "outcomes", "case"} <= names
        assert names & {"assignee", "candidates", "teams"}, task.get("id")


def test_every_expression_is_python(path: Path) -> None:
    root = ET.parse(path).getroot()
    expressions = [node.get("value", "") for name in ("property", "parameter") for node in root.iter(f"{SPIFF}{name}")]
    expressions += [node.text or "" for node in root.iter(f"{BPMN}conditionExpression")]
    assert len(expressions) > 50
    for expression in expressions:
        compile(expression, path.name, "eval")


def test_the_picture_marks_where_the_process_stands(path: Path) -> None:
    diagram = Diagram.read(path)
    first, second = diagram.shapes[0].id, diagram.shapes[1].id
    picture = write(diagram.svg(done={first}, current={second}))
    assert re.search(rf'class="node done" data-node="{first}"', picture)
    assert re.search(rf'class="node current" data-node="{second}"', picture)
    assert f"Now at: {diagram.shapes[1].name}." in picture
    assert picture.count("<polyline") == len(diagram.edges)
