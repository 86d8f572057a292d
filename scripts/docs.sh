#!/usr/bin/env bash
# The C API as pages, build/docs/html/index.html; a warning is an error.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build/docs
doxygen docs/Doxyfile
cp -r docs/img build/docs/html/
echo "build/docs/html/index.html"
