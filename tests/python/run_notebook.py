"""run_notebook.py FILE: the cells of code of a notebook, one after the other, in
one namespace, as Jupyter would run them; the first one that fails is shown.
Its outputs must not be in the file."""
import json
import sys
import traceback


def cells(path):
    with open(path, encoding="utf-8") as file:
        book = json.load(file)
    if book["nbformat"] != 4:
        sys.exit(f"{path}: expected nbformat 4, found {book['nbformat']}")
    for number, cell in enumerate(book["cells"], 1):
        if cell["cell_type"] != "code":
            continue
        if cell["outputs"] or cell["execution_count"] is not None:
            sys.exit(f"{path}: cell {number} has outputs: strip them")
        yield number, "".join(cell["source"])


def main(path):
    names = {"__name__": "__main__"}
    done = 0
    for number, source in cells(path):
        try:
            exec(compile(source, f"cell {number}", "exec"), names)
        except Exception:
            traceback.print_exc()
            sys.exit(f"{path}: cell {number} failed:\n{source}")
        done += 1
    if not done:
        sys.exit(f"{path}: no cell of code")
    print(f"{done} cells")


if __name__ == "__main__":
    main(sys.argv[1])
