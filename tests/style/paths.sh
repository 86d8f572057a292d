#!/usr/bin/env bash
# Files are opened, made, renamed and removed in src/base alone: below a folder
# held open, without following links, where the folder is ours (engram/file.h).
# What is read by its path elsewhere is named by the user.
cd "$1" || exit 1
. tests/style/lib.sh

calls='open|openat|fopen|freopen|creat|mkdir|mkdirat|rename|renameat|unlink'
calls+='|unlinkat|remove|rmdir|opendir|link|linkat|symlink|truncate|chmod|mkfifo'
own='eg_file_write|eg_npy_write|eg_st_write|eg_outfile_open|eg_mkdirs'
allowed='
src/lab/experiments.c opendir
src/lab/machine.c fopen
cli/main.c open
src/nn/model_file.c eg_st_write
'
while IFS=: read -r file line text; do
    name=$(grep -oE "(^|[^A-Za-z0-9_.])($calls|$own)\(" <<<"$text" |
        grep -oE '[a-z_]+' | head -n 1)
    grep -qxF "$file $name" <<<"$allowed" && continue
    complain "$file:$line: $name: by its path; see eg_folder in engram/file.h"
done < <(find src cli -name '*.[ch]' ! -path 'src/base/*' -print0 | sort -z |
    xargs -0 grep -nE "(^|[^A-Za-z0-9_.])($calls|$own)\(")
finish
