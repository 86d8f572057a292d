/* Messages of protocol buffers, written field by field: what event files of
 * TensorBoard are made of. Source: protobuf.dev, "Encoding". */
#ifndef EG_LAB_PROTO_H
#define EG_LAB_PROTO_H

#include "base/buf.h"

void egi_pb_int(egi_buf *b, int field, uint64_t v);
void egi_pb_double(egi_buf *b, int field, double v);
void egi_pb_float(egi_buf *b, int field, float v);
void egi_pb_bytes(egi_buf *b, int field, const void *data, size_t n);
void egi_pb_text(egi_buf *b, int field, const char *s);
/* A message within: its bytes, and it is empty then. What failed in it has
 * failed in b. */
void egi_pb_message(egi_buf *b, int field, egi_buf *within);

/* A record as TensorFlow frames it: its length, 8 bytes, and data, each with
 * the masked checksum behind it. */
void egi_frame(egi_buf *to, const egi_buf *record);
/* CRC-32C (Castagnoli), as iSCSI has it, and as TensorFlow masks it. */
uint32_t egi_crc32c(const void *data, size_t n);
uint32_t egi_crc32c_masked(const void *data, size_t n);

#endif
