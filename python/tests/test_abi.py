# needs cffi
"""What Python believes of the library's structs is what a C compiler makes of
the headers."""
import os
import re
import shutil
import subprocess
import unittest

import cffi

from common import SOURCE
from engram import _lib


class Layout(unittest.TestCase):
    def test_layout(self):
        compiler = shutil.which("cc") or shutil.which("gcc")
        if not compiler:
            self.skipTest("no C compiler")
        ffi = cffi.FFI()
        ffi.cdef(_lib.CDEF)
        structs = re.findall(r"typedef struct (\w+) \{", _lib.CDEF)
        self.assertGreater(len(structs), 9)
        lines, want = [], []
        for name in structs:
            kind = ffi.typeof(name)
            lines.append(f'say("{name}", sizeof({name}));')
            want.append(f"{name} {ffi.sizeof(kind)}")
            for field, about in kind.fields:
                lines.append(f'say("{name}.{field}", offsetof({name}, {field}));')
                want.append(f"{name}.{field} {about.offset}")
        for name, values in ((n, ffi.typeof(n).relements) for n in
                             ("eg_status", "eg_dtype", "eg_split")):
            for value, number in values.items():
                lines.append(f'say("{value}", {value});')
                want.append(f"{value} {number}")
        with open("layout.c", "w") as file:
            file.write('#include <stdio.h>\n#include "engram/engram.h"\n'
                       "static void say(const char *s, size_t n)\n"
                       '{ printf("%s %zu\\n", s, n); }\n'
                       "int main(void)\n{\n" + "\n".join(lines) + "\n}\n")
        subprocess.run([compiler, "-std=gnu17", "-I",
                        os.path.join(SOURCE, "include"), "layout.c", "-o",
                        "layout"], check=True)
        found = subprocess.run(["./layout"], check=True, text=True,
                               capture_output=True).stdout.splitlines()
        self.assertEqual(found, want)

    def test_functions(self):
        """Each function is there, and declared with as many arguments."""
        _, lib = _lib.load()
        headers = ""
        folder = os.path.join(SOURCE, "include", "engram")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name)) as file:
                headers += file.read()
        flat = re.sub(r"\s+", " ", headers)
        for text in re.sub(r"\s+", " ", _lib.CDEF).split(";"):
            match = re.search(r"(\w+)\(([^()]*)\)\s*\Z", text)
            if not match:
                continue
            name, arguments = match.groups()
            self.assertTrue(hasattr(lib, name), name)
            there = re.search(rf"EG_API [^;]*\b{name}\(([^()]*)\);", flat)
            self.assertIsNotNone(there, name)
            self.assertEqual(re.sub(r"\s*\*\s*", "*", arguments.strip()),
                             re.sub(r"\s*\*\s*", "*", there[1].strip()), name)


if __name__ == "__main__":
    unittest.main()
