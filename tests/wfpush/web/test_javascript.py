"""ES modules become one script with nothing of them missing, or the bundler says where it fails."""

import re
from pathlib import Path

import pytest

from wfpush.web.javascript import UnsupportedSyntax, bundle, read_modules


def written(folder: Path, **sources: str) -> Path:
    for name, source in sources.items():
        (folder / f"{name}.js").write_text(source)
    return folder


def function(folder: Path, source: str) -> str:
    return read_modules([written(folder, entry=source)], ["entry.js"])["entry.js"].function()


def test_names_are_imported_as_modules_export_them(tmp_path: Path) -> None:
    written(
        tmp_path,
        entry='import {\n  one as two,\n  four,\n} from "./other.js";\nimport * as all from "./other.js";\nawait 1;',
        other="export const one = 1, two = 2;\nexport async function three() {}\nexport const { four, five } = x;\n",
    )

    modules = read_modules([tmp_path], ["entry.js"])

    assert list(modules) == ["entry.js", "other.js"]
    assert modules["entry.js"].function() == (
        'async () => {\nconst { one: two, four } = loadModule("other.js");\nconst all = loadModule("other.js");\n'
        "await 1;\nreturn {  };\n}"
    )
    assert modules["other.js"].function() == (
        "() => {\nconst one = 1, two = 2;\nasync function three() {}\nconst { four, five } = x;\n\n"
        "return { one, two, three, four, five };\n}"
    )
    assert bundle(modules).count("() => {") == 2


def test_modules_in_folders_are_found_and_those_loaded_later_are_in_it(tmp_path: Path) -> None:
    (tmp_path / "worker").mkdir()
    written(tmp_path, entry='import { a } from "./worker/a.js";\n', b="export const b = 1;\n", c="")
    written(tmp_path / "worker", a='import { b } from "../b.js";\nexport const a = () => import("../c.js");\n')

    modules = read_modules([tmp_path], ["entry.js"])

    assert list(modules) == ["b.js", "c.js", "entry.js", "worker/a.js"]
    assert (
        'const { b } = loadModule("b.js");\nconst a = () => loadModuleLater("c.js");'
        in modules["worker/a.js"].function()
    )


@pytest.mark.parametrize(
    "line",
    [
        "const page = `\n// no comment\n/** nor this */ ${name(`// nor this`)}`;",
        'const address = "https://a.example/*";',
        "const pattern = /[/*] [//] x/;",
        "const half = (a + b) / 2 / c;",
    ],
)
def test_only_comments_are_left_out(tmp_path: Path, line: str) -> None:
    source = f"// One.\n/** Two. */\n{line}  // Three.\n  /**\n   * 4 * 5.\n   */\nshow(1, /* six */ 2); // «seven»"

    code = function(tmp_path, source)

    assert line in code
    assert not re.search(r"One|Two|Three|4 \* 5|six|seven", code)
    assert re.search(r"show\(1, +2\);", code)


@pytest.mark.parametrize(
    "line",
    [
        'import x from "./other.js";',
        'import x, { one } from "./other.js";',
        'import "./other.js";',
        'import { one } from "./absent.js";',
        'import { one } from "other.js";',
        'import { default as one } from "./other.js";',
        'import { "one" as two } from "./other.js";',
        'import { two } from "./other.js";',
        'import { one } from "./other.js" with { type: "json" };',
        'import { one /* twice */ } from "./other.js";',
        'import { one } from "./waits.js";',
        'import * as waits from "./waits.js";',
        "import(`./other.js`);",
        "import(name);",
        'import("./other.js", {});',
        "export default 1;",
        "export default function f() {}",
        "export let a = 1;",
        "export class A {}",
        "export const { a: b } = c;",
        "export const { a = 1 } = c;",
        "export { a };",
        'export * from "./other.js";',
        "if (a) { export const b = 1; }",
        "use(import.meta.url);",
        "const a = ;",
    ],
)
def test_what_is_not_supported_is_refused_with_its_place(tmp_path: Path, line: str) -> None:
    written(tmp_path, other="export const one = 1;\n", waits="export const one = await 1;\n")

    with pytest.raises(UnsupportedSyntax, match=re.escape(f"entry.js, line 2: {line!r}")):
        function(tmp_path, f"const first = 1;\n{line}\n")


def test_modules_that_import_each_other_are_refused(tmp_path: Path) -> None:
    written(
        tmp_path,
        entry='import { one } from "./one.js";\n',
        one='import { two } from "./two.js";\nexport const one = 1;\n',
        two='import { one } from "./one.js";\nexport const two = 2;\n',
    )

    with pytest.raises(UnsupportedSyntax, match=r"import each other: (one|two)\.js, (one|two)\.js, (one|two)\.js$"):
        read_modules([tmp_path], ["entry.js"])


def test_only_what_waits_at_its_top_is_async(tmp_path: Path) -> None:
    assert function(tmp_path, "for await (const a of b) {}").startswith("async ")
    assert function(tmp_path, "const a = async () => { await b; };").startswith("() => {")
