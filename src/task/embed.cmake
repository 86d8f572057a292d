# cmake -DIN=<file> -DNAME=<name> -DOUT=<c file> -P embed.cmake
# Writes the bytes of IN as the only row of egi_stats_shipped.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
  "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "/* Generated from ${NAME}.stats.json by embed.cmake. */
#include \"task/stats.h\"

static const char bytes[] = {
${bytes}};

const egi_shipped egi_stats_shipped[] = {
    {\"${NAME}\", bytes, sizeof bytes}, {NULL, NULL, 0}};
")
