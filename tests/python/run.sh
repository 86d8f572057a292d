#!/usr/bin/env bash
# run.sh FILE SOURCE TOOL LIBRARY: a test of the Python package, or a notebook,
# in an empty folder. Without a Python that has what it needs, status 77.
#
# ENGRAM_PYTHON names a Python; else the first on the PATH that will do.
set -u
file=$1 source_dir=$2
export ENGRAM=$3 ENGRAM_LIBRARY=$4 PYTHONPATH=$source_dir/python
export ENGRAM_SOURCE=$source_dir PYTHONDONTWRITEBYTECODE=1 MPLBACKEND=agg
unset ENGRAM_RUNS
needs='numpy'
grep -q '^# needs cffi\|engram.Model\|\.model(' "$file" && needs='numpy, cffi'

python=
for candidate in ${ENGRAM_PYTHON:-python3 /usr/bin/python3}; do
    "$candidate" -c "import $needs" 2>/dev/null || continue
    python=$candidate
    break
done
[ -n "$python" ] || {
    echo "no Python with $needs: on Debian, python3-numpy and python3-cffi"
    exit 77
}
work=$(mktemp -d "${TMPDIR:-/tmp}/engram-python-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
case $file in
*.ipynb) "$python" "$source_dir/tests/python/run_notebook.py" "$file" ;;
*) "$python" "$file" -v ;;
esac
